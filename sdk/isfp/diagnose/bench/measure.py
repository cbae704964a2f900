"""Measure a bundle, and its rivals in turn with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from time import sleep

import cv2
import numpy as np

from isfp.bundle.bundle import Bundle
from isfp.diagnose.bench import machine
from isfp.diagnose.bench.process import ContestantProcess, FoundObject, Question, Turn
from isfp.diagnose.bench.report import INCLUDED, Agreement, BenchReport, Figures, StreamFigures
from isfp.diagnose.bench.rivals import Contestant
from isfp.diagnose.bench.stream import Stretch
from isfp.diagnose.bench.timing import Timing, by_step
from isfp.errors import IsfpError, RuntimeUnavailableError

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
        skip_missing: pass over rivals that cannot run here, instead of raising an error.
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
        IsfpError: a phrase is not found in this frame whatever its score is, so that the mask stage would not run for it; or
            another error of `Segmenter`, of which only the message comes back from the contestant's process.
    """
    facts = machine.facts()
    main = Question(plan.texts)
    questions = {str(count): Question(_phrases(plan, count)) for count in plan.phrases}
    if plan.absent:
        questions[ABSENT] = Question(plan.texts, present=False)
    passed_over: dict[str, str] = {}
    with ExitStack() as stack:
        processes: dict[str, ContestantProcess] = {}
        for contestant in (plan.own, *plan.rivals):
            say(f"Loading {contestant.name}")
            try:
                process = ContestantProcess(contestant, plan.frame, main)
            except RuntimeUnavailableError as error:
                if contestant is plan.own or not plan.skip_missing:
                    raise
                passed_over[contestant.name] = str(error)
                continue
            stack.callback(process.close)
            processes[contestant.name] = process
        own = processes[plan.own.name]
        turns: dict[str, list[Turn]] = {name: [] for name in processes}
        answered: dict[str, list[Turn]] = {name: [] for name in questions}
        stretches: list[dict[str, Stretch]] = []
        rounds = ceil(plan.runs / RUNS_A_TURN)
        for number in range(rounds):
            say(f"Round {number + 1} of {rounds}")
            for name, process in processes.items():
                turns[name].append(process.turn(main, RUNS_A_TURN))
                sleep(PAUSE)
            for name, question in questions.items():
                answered[name].append(own.turn(question, RUNS_A_TURN))
            if plan.stream:
                stretches.append(own.stretches(main))
        new_phrase = Timing.from_runs(own.new_phrases(plan.runs))
        answers = {name: process.answers(main) for name, process in processes.items()}
        figures = {
            name: _figures(process, turns[name], _agreement(process.contestant, answers[name], answers[plan.own.name]))
            for name, process in processes.items()
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
        passed_over=passed_over,
        new_phrase=new_phrase,
        by_phrases={count: timing for count, timing in totals.items() if count != ABSENT},
        absent=totals.get(ABSENT),
        stream=_stream_figures(stretches),
    )


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


def _figures(process: ContestantProcess, turns: Sequence[Turn], agreement: Agreement | None) -> Figures:
    loaded = process.loaded
    return Figures(
        runtime=loaded.runtime,
        precision=loaded.precision,
        milliseconds=by_step([lap for turn in turns for lap in turn.laps]),
        stages=by_step([turn.stages for turn in turns]),
        own_share=Timing.from_runs([turn.own_ms for turn in turns]),
        load_ms=round(loaded.load_ms, 1),
        first_frame_ms=round(loaded.first_frame_ms, 1),
        peak_memory_mb=round(process.peak_memory_mb(), 1),
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
