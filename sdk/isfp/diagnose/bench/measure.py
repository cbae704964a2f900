"""Measure a bundle, and its rivals in turn with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from time import sleep
from types import TracebackType
from typing import TypeVar

import cv2
import numpy as np

from isfp.bundle.bundle import Bundle
from isfp.diagnose.bench import machine
from isfp.diagnose.bench.process import ContestantFailedError, ContestantProcess, FoundObject, Loaded, Question, Turn
from isfp.diagnose.bench.report import INCLUDED, Agreement, BenchReport, Figures, StreamFigures
from isfp.diagnose.bench.rivals import Contestant
from isfp.diagnose.bench.stream import Stretch
from isfp.diagnose.bench.timing import Timing, by_step
from isfp.errors import IsfpError, RuntimeUnavailableError

T = TypeVar("T")

#: Measured runs of a turn. A turn is short, so that other load on the machine affects all contestants alike.
RUNS_A_TURN = 3
#: Seconds between turns, in which the threads of the last contestant stop spinning.
PAUSE = 0.02
ABSENT = "absent"


@dataclass(frozen=True)
class BenchPlan:
    """What to measure.

    Attributes:
        own: the bundle, and what runs it.
        rivals: what takes turns with it.
        frame: uint8 `[h,w,3]`.
        texts: phrases that are asked together; further ones for `phrases` are taken from the vocabulary.
        runs: how many runs to measure of each contestant.
        phrases: numbers of phrases to measure together.
        absent: also measure a frame in which nothing is found.
        stream: also measure a stream of frames beside a plain loop.
        skip_missing: pass over rivals that cannot run here or that fail, instead of raising an error.
    """

    own: Contestant
    frame: np.ndarray = field(repr=False)
    texts: tuple[str, ...]
    rivals: tuple[Contestant, ...] = ()
    runs: int = 50
    phrases: tuple[int, ...] = ()
    absent: bool = False
    stream: bool = False
    skip_missing: bool = False


def bench(plan: BenchPlan, say: Callable[[str], None] = lambda text: None) -> BenchReport:
    """Measure, each contestant in a process of its own, in rounds in which each has one turn.

    The threshold is 0, so that every phrase runs the mask stage: this is the worst case.

    Args:
        plan: what to measure.
        say: receives progress messages.

    Raises:
        RuntimeUnavailableError: the bundle cannot run here, or a rival cannot, unless those are passed over.
        ContestantFailedError: the bundle's runtime fails, or a rival, unless those are passed over.
        IsfpError: a phrase is not found in this frame whatever its score is, so that the mask stage would not run for it; or
            another error of `Segmenter`, of which only the message comes back from the contestant's process.
    """
    facts = machine.facts()
    main = Question(plan.texts)
    questions = {str(count): Question(_phrases(plan, count)) for count in plan.phrases}
    if plan.absent:
        questions[ABSENT] = Question(plan.texts, present=False)
    with _Field(plan) as taking_part:
        for contestant in (plan.own, *plan.rivals):
            say(f"Loading {contestant.name}")
            taking_part.load(contestant, main)
        own = taking_part.processes[plan.own.name]
        turns: dict[str, list[Turn]] = {name: [] for name in taking_part.processes}
        answered: dict[str, list[Turn]] = {name: [] for name in questions}
        stretches: list[dict[str, Stretch]] = []
        rounds = ceil(plan.runs / RUNS_A_TURN)
        for number in range(rounds):
            say(f"Round {number + 1} of {rounds}")
            for name, turn in taking_part.ask_each(lambda process: process.turn(main, RUNS_A_TURN)):
                turns[name].append(turn)
                sleep(PAUSE)
            for name, question in questions.items():
                answered[name].append(own.turn(question, RUNS_A_TURN))
            if plan.stream:
                stretches.append(own.stretches(main))
        new_phrase = Timing.from_runs(own.new_phrases(plan.runs))
        answers = dict(taking_part.ask_each(lambda process: process.answers(main)))
        memory = dict(taking_part.ask_each(lambda process: process.peak_memory_mb()))
        figures = {
            name: _figures(
                process.loaded, turns[name], memory[name], _agreement(process.contestant, answers[name], answers[plan.own.name])
            )
            for name, process in taking_part.processes.items()
        }
    totals = {name: Timing.from_runs([lap["total"] for turn in each for lap in turn.laps]) for name, each in answered.items()}
    return BenchReport(
        bundle=str(plan.own.bundle),
        frame=(plan.frame.shape[0], plan.frame.shape[1]),
        view=own.loaded.view,
        phrases=len(plan.texts),
        threads=plan.own.threads or facts["cores"],
        included=INCLUDED,
        machine=machine.machine(),
        facts=facts,
        versions=machine.versions(),
        own=figures.pop(plan.own.name),
        rivals=figures,
        passed_over=taking_part.passed_over,
        failed=taking_part.failed,
        new_phrase=new_phrase,
        by_phrases={count: timing for count, timing in totals.items() if count != ABSENT},
        absent=totals.get(ABSENT),
        stream=_stream_figures(stretches),
    )


class _Field:
    """The contestants that take part, and why others do not."""

    def __init__(self, plan: BenchPlan) -> None:
        self._plan = plan
        self.processes: dict[str, ContestantProcess] = {}
        self.passed_over: dict[str, str] = {}
        self.failed: dict[str, str] = {}

    def load(self, contestant: Contestant, question: Question) -> None:
        """Start a contestant's process."""
        process = self._try(contestant, lambda: ContestantProcess(contestant, self._plan.frame, question))
        if process is not None:
            self.processes[contestant.name] = process

    def ask_each(self, ask: Callable[[ContestantProcess], T]) -> Iterator[tuple[str, T]]:
        """Ask each contestant in turn; one that fails takes no further part."""
        for name, process in list(self.processes.items()):
            answer = self._try(process.contestant, partial(ask, process))
            if answer is not None:
                yield name, answer

    def _try(self, contestant: Contestant, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except IsfpError as error:
            if contestant is self._plan.own or not self._plan.skip_missing:
                if isinstance(error, ContestantFailedError):
                    raise ContestantFailedError(
                        f"{contestant.name} failed ({error}). Leave it out, or ask for --against all, which goes on without it."
                    ) from error
                raise
            reasons = self.passed_over if isinstance(error, RuntimeUnavailableError) else self.failed
            reasons[contestant.name] = str(error)
            if contestant.name in self.processes:
                self.processes.pop(contestant.name).close()
            return None

    def __enter__(self) -> _Field:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self.processes.values():
            process.close()


def default_frame(height: int = 720, width: int = 1280) -> np.ndarray:
    """Draw a frame to measure on, uint8 `[height,width,3]`: discs and boxes of plain colours before a gradient, with some noise."""
    rng = np.random.default_rng(0)
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = np.linspace(70, 190, height, dtype=np.uint8)[:, None, None]
    for number in range(6):
        colour = tuple(int(value) for value in rng.integers(20, 236, 3))
        x, y = int((number % 3 + 0.5) * width / 3), int((number // 3 + 0.5) * height / 2)
        size = height // 7
        if number % 2:
            cv2.rectangle(frame, (x - size, y - size), (x + size, y + size), colour, cv2.FILLED)
        else:
            cv2.circle(frame, (x, y), size, colour, cv2.FILLED)
    noise = rng.integers(-8, 9, frame.shape, np.int16)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def _phrases(plan: BenchPlan, count: int) -> tuple[str, ...]:
    """Return that many different phrases: those of the plan, then single words of the vocabulary that name objects."""
    vocabulary = Bundle.open(plan.own.bundle).vocabulary()
    words = [word for word in vocabulary.words[2:] if vocabulary.encode(word, 1).names_object]
    known = list(dict.fromkeys([*plan.texts, *words]))
    if len(known) < count:
        raise IsfpError(f"{count} phrases were asked for; the vocabulary of {plan.own.bundle} has words for {len(known)}.")
    return tuple(known[:count])


def _figures(loaded: Loaded, turns: Sequence[Turn], peak_memory_mb: float, agreement: Agreement | None) -> Figures:
    return Figures(
        runtime=loaded.runtime,
        precision=loaded.precision,
        milliseconds=by_step([lap for turn in turns for lap in turn.laps]),
        stages=by_step([turn.stages for turn in turns]),
        own_share=Timing.from_runs([turn.own_ms for turn in turns]),
        load_ms=round(loaded.load_ms, 1),
        first_frame_ms=round(loaded.first_frame_ms, 1),
        peak_memory_mb=round(peak_memory_mb, 1),
        agreement=agreement,
    )


def _stream_figures(rounds: Sequence[dict[str, Stretch]]) -> dict[str, StreamFigures]:
    return {
        source: StreamFigures(
            Timing.from_runs([one[source].plain for one in rounds]), Timing.from_runs([one[source].stream for one in rounds])
        )
        for source in (rounds[0] if rounds else ())
    }


def _agreement(contestant: Contestant, theirs: Sequence[FoundObject], ours: Sequence[FoundObject]) -> Agreement | None:
    if not contestant.same_weights:
        return None
    unions = [max(1, int((a.mask | b.mask).sum())) for a, b in zip(theirs, ours, strict=True)]
    common = [int((a.mask & b.mask).sum()) if a.mask.any() or b.mask.any() else 1 for a, b in zip(theirs, ours, strict=True)]
    return Agreement(
        mask_iou=round(min(c / u for c, u in zip(common, unions, strict=True)), 4),
        score_difference=round(max(abs(a.score - b.score) for a, b in zip(theirs, ours, strict=True)), 6),
        same_cells=all(a.cell == b.cell for a, b in zip(theirs, ours, strict=True)),
    )
