"""Latency on this machine: warmed up, repeated, interleaved, and with a note of what is included."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from isfp.errors import IsfpError
from isfp.segmenter import Segmenter

INCLUDED = (
    "From a frame in memory to masks at its own size: letterbox, image, identify, lookup, mask, restore. Phrases are "
    "cached, as on a robot; capture and drawing are left out."
)


@dataclass(frozen=True)
class Timing:
    """Milliseconds of repeated runs."""

    median: float
    p95: float
    p99: float
    least: float
    runs: int

    @classmethod
    def from_runs(cls, milliseconds: list[float]) -> Timing:
        """Summarise single runs, each in milliseconds."""
        p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99]).round(3).tolist()
        return cls(p50, p95, p99, round(min(milliseconds), 3), len(milliseconds))

    def to_json(self) -> dict[str, float]:
        """Return the figures as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class BenchReport:
    """How long the steps of a run take.

    Attributes:
        bundle: the bundle's folder.
        runtime: the name of the runtime.
        frame: height and width of the frame, pixels.
        view: height and width of the network's input, pixels.
        phrases: how many phrases ran together.
        included: what the times include.
        machine: what they were measured on.
        milliseconds: the time of each step, and of all together as `total`, which is last.
    """

    bundle: str
    runtime: str
    frame: tuple[int, int]
    view: tuple[int, int]
    phrases: int
    included: str
    machine: str
    milliseconds: dict[str, Timing]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


def interleave(tasks: Mapping[str, Callable[[], object]], runs: int, warm_up: int = 5) -> dict[str, Timing]:
    """Time several tasks in turn, one run of each per round, so that other load on the machine affects all of them alike."""
    for task in tasks.values():
        for _ in range(warm_up):
            task()
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(runs):
        for name, task in tasks.items():
            start = perf_counter()
            task()
            taken[name].append((perf_counter() - start) * 1e3)
    return {name: Timing.from_runs(values) for name, values in taken.items()}


def bench(segmenter: Segmenter, frame: np.ndarray, texts: list[str], runs: int, warm_up: int = 5) -> BenchReport:
    """Time the steps of `Segmenter.run` on one frame.

    The threshold is 0, so that every phrase runs the mask stage: this is the worst case.

    Args:
        segmenter: the Segmenter.
        frame: uint8 `[h,w,3]`.
        texts: phrases that run together.
        runs: how many runs to measure.
        warm_up: how many runs to make before, without measuring them.

    Raises:
        FrameError, PhraseError: as for `Segmenter.run`.
        IsfpError: a phrase is not found in this frame whatever its score is, so that the mask stage would not run for it.
    """
    for _ in range(warm_up):
        _lap(segmenter, frame, texts)
    laps = [_lap(segmenter, frame, texts) for _ in range(runs)]
    return BenchReport(
        bundle=str(segmenter.bundle.path),
        runtime=segmenter.runtime.name,
        frame=(frame.shape[0], frame.shape[1]),
        view=(segmenter.framing.height, segmenter.framing.width),
        phrases=len(texts),
        included=INCLUDED,
        machine=machine(),
        milliseconds={step: Timing.from_runs([lap[step] for lap in laps]) for step in laps[0]},
    )


def machine() -> str:
    """Describe the processor and the system, to print beside measurements."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _lap(segmenter: Segmenter, frame: np.ndarray, texts: list[str]) -> dict[str, float]:
    """Run once, and make sure that the mask stage ran for every phrase."""
    results = segmenter.run(frame, texts, threshold=0.0)
    for result in results:
        if result.reason and result.reason.overrides_score:
            raise IsfpError(
                f"The mask stage would not run for {result.text!r}: {result.reason.sentence}. Expected a phrase that names an "
                "object, and an image that shows something; give another phrase or image."
            )
    return results[0].milliseconds
