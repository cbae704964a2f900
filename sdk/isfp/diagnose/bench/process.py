"""A contestant in a process of its own.

There it has its own thread pools, which would otherwise get into each other's way (those of PyTorch, OpenVINO and ONNX Runtime keep
spinning for a while after their work), its memory can be told from that of the others, and its load time is that of a fresh start.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from isfp.diagnose.bench.machine import peak_memory_mb
from isfp.diagnose.bench.rivals import Contestant
from isfp.diagnose.bench.stream import Stretch, stretches
from isfp.diagnose.bench.timing import Lap
from isfp.errors import IsfpError, RuntimeUnavailableError
from isfp.segmenter import Segmenter

T = TypeVar("T")


class ContestantFailedError(IsfpError):
    """A contestant stopped with an error that is none of the SDK's, or its process ended."""


#: Runs of each turn that are not measured: they bring code and weights back into the caches that another contestant has used.
WARM_UP = 1


@dataclass(frozen=True)
class Question:
    """What is asked of a frame.

    Attributes:
        texts: phrases that are asked together.
        present: whether all of them are to be found, whatever their score is, so that the mask stage runs for each; or none.
    """

    texts: tuple[str, ...]
    present: bool = True


@dataclass(frozen=True)
class Loaded:
    """What is known once a contestant is loaded.

    Attributes:
        runtime: the runtime's name.
        precision: what it computes in.
        load_ms: to import the runtime, check the bundle and load its stages.
        first_frame_ms: of the first frame, with a phrase that is not cached.
        view: height and width of the network's input, pixels.
    """

    runtime: str
    precision: str
    load_ms: float
    first_frame_ms: float
    view: tuple[int, int]


@dataclass(frozen=True)
class Turn:
    """What was measured in one turn.

    Attributes:
        laps: the steps of each run.
        stages: one more run with the network's stages timed on the device: milliseconds by stage.
        own_ms: that run's time outside of its stages: the SDK's own share.
    """

    laps: list[Lap]
    stages: dict[str, float]
    own_ms: float


@dataclass(frozen=True)
class FoundObject:
    """A contestant's answer to one phrase, to hold rivals to: score, cell and mask bool `[h,w]`."""

    score: float
    cell: tuple[int, int]
    mask: np.ndarray


class ContestantProcess:
    """Starts a contestant, and asks it; leave it with `close`."""

    def __init__(self, contestant: Contestant, frame: np.ndarray, question: Question) -> None:
        """Load the contestant in a new process, and let it answer a question about the frame once.

        Raises:
            RuntimeUnavailableError: this machine cannot run it.
            ContestantFailedError: it fails; the methods raise this too.
            IsfpError: as for `Segmenter`.
        """
        self.contestant = contestant
        self._pool = ProcessPoolExecutor(1, get_context("spawn"))
        try:
            self.loaded: Loaded = self._ask(_load, contestant, frame, question)
        except BaseException:
            self.close()
            raise

    def turn(self, question: Question, runs: int) -> Turn:
        """Answer a question several times, and once more with the stages timed.

        Raises:
            IsfpError: a phrase was found or refused although the question says otherwise, so that other stages ran.
        """
        return self._ask(_turn, question, runs)

    def new_phrases(self, runs: int) -> list[float]:
        """Return how long the text stage takes for one phrase that is not cached, milliseconds of each run."""
        return self._ask(_new_phrases, runs)

    def stretches(self, question: Question) -> dict[str, Stretch]:
        """Return how long frames take in a plain loop and as a stream, by the kind of source."""
        return self._ask(_stretches, question)

    def answers(self, question: Question) -> list[FoundObject]:
        """Return what is found."""
        return self._ask(_answers, question)

    def peak_memory_mb(self) -> float:
        """Return the most memory that the process has held."""
        return self._ask(peak_memory_mb)

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()

    def _ask(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return self._pool.submit(_plain_errors, function, *arguments).result()
        except BrokenProcessPool as error:
            raise ContestantFailedError("its process ended: a crash in native code, or no memory was left") from error


# What follows runs in the contestant's process.


@dataclass
class _Ready:
    segmenter: Segmenter
    frame: np.ndarray


_ready: list[_Ready] = []


def _plain_errors(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function; its errors become ones that can be sent to another process."""
    try:
        return function(*arguments)
    except RuntimeUnavailableError as error:
        raise RuntimeUnavailableError(str(error)) from None
    except IsfpError as error:
        raise IsfpError(str(error)) from None
    except Exception as error:  # whatever a rival's packages raise
        raise ContestantFailedError(f"{type(error).__name__}: {error}") from None


def _load(contestant: Contestant, frame: np.ndarray, question: Question) -> Loaded:
    start = perf_counter()
    segmenter = Segmenter(contestant.bundle, contestant.open_runtime())
    loaded = perf_counter()
    _ready.append(_Ready(segmenter, frame))
    _lap(question)
    first = perf_counter()
    stored = segmenter.bundle.manifest.fields.get("precision", "fp32")
    return Loaded(
        segmenter.runtime.name,
        segmenter.runtime.precision or str(stored),
        (loaded - start) * 1e3,
        (first - loaded) * 1e3,
        (segmenter.framing.height, segmenter.framing.width),
    )


def _turn(question: Question, runs: int) -> Turn:
    for _ in range(WARM_UP):
        _lap(question)
    laps = [_lap(question) for _ in range(runs)]
    with _ready[0].segmenter.runtime.timed_stages() as taken:
        timed = _lap(question)
    stages = {name: sum(times) for name, times in taken.items() if times}
    return Turn(laps, stages, timed["total"] - sum(stages.values()))


def _new_phrases(runs: int) -> list[float]:
    segmenter = _ready[0].segmenter
    stage = segmenter.runtime.load(segmenter.bundle, "text")
    phrase = segmenter.encode(segmenter.vocabulary.words[-1])
    inputs = {"words": phrase.ids[None].astype(np.int32), "lengths": np.array([phrase.length], np.int32)}
    stage(**inputs)
    with segmenter.runtime.timed_stages() as taken:
        for _ in range(runs):
            stage(**inputs)
    return taken["text"]


def _stretches(question: Question) -> dict[str, Stretch]:
    ready = _ready[0]
    return stretches(ready.segmenter, ready.frame, question.texts)


def _lap(question: Question) -> Lap:
    """Answer once; the total is by the clock, and includes what lies between the steps."""
    ready = _ready[0]
    start = perf_counter()
    results = ready.segmenter.run(ready.frame, question.texts, 0.0 if question.present else 1.0)
    total = (perf_counter() - start) * 1e3
    for result in results:
        if question.present and result.reason is not None and result.reason.overrides_score:
            raise IsfpError(
                f"The mask stage would not run for {result.text!r}: {result.reason.sentence}. Expected a phrase that names an "
                "object, and an image that shows something; give another phrase or image."
            )
        if not question.present and result.found:
            raise IsfpError(f"{result.text!r} has the score 1 in this frame, so it is never absent. Give another phrase.")
    return {**results[0].milliseconds, "total": total}


def _answers(question: Question) -> list[FoundObject]:
    ready = _ready[0]
    return [FoundObject(one.score, one.cell, one.mask) for one in ready.segmenter.run(ready.frame, question.texts, 0.0)]
