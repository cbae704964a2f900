"""How long things take here: warmed up, repeated, interleaved, and said what is included."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from isfp.segmenter import Segmenter

INCLUDED = (
    "From a frame in memory to masks at its own size: letterbox, image, identify, lookup, mask, restore. Phrases are "
    "cached, as on a robot; capture and drawing are left out."
)


@dataclass(frozen=True)
class Timing:
    """Milliseconds of repeated runs of one thing."""

    median: float
    p95: float
    p99: float
    least: float
    runs: int

    @classmethod
    def from_runs(cls, milliseconds: list[float]) -> Timing:
        """Sum up single runs, each in milliseconds."""
        p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99]).round(3).tolist()
        return cls(p50, p95, p99, round(min(milliseconds), 3), len(milliseconds))

    def to_json(self) -> dict[str, float]:
        """Return the figures as JSON values."""
        return asdict(self)


def interleave(things: Mapping[str, Callable[[], object]], runs: int, warm_up: int = 5) -> dict[str, Timing]:
    """Time several things in turn, one run of each a round, so that a busy spell of the machine hits all alike."""
    for thing in things.values():
        for _ in range(warm_up):
            thing()
    taken: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(runs):
        for name, thing in things.items():
            start = perf_counter()
            thing()
            taken[name].append((perf_counter() - start) * 1e3)
    return {name: Timing.from_runs(values) for name, values in taken.items()}


def bench(segmenter: Segmenter, frame: np.ndarray, texts: list[str], runs: int, warm_up: int = 5) -> dict[str, Any]:
    """Time the steps of `Segmenter.run` on one frame.

    The threshold is 0, so that every phrase runs the mask stage: this is the worst case.

    Args:
        segmenter: the Segmenter.
        frame: uint8 `[h,w,3]`.
        texts: phrases that run together.
        runs: measured runs.
        warm_up: runs before them, not measured.

    Returns:
        JSON values: the steps' timings, `total` last, and what was measured on what.
    """
    for _ in range(warm_up):
        segmenter.run(frame, texts, threshold=0.0)
    laps = [segmenter.run(frame, texts, threshold=0.0)[0].milliseconds for _ in range(runs)]
    return {
        "bundle": str(segmenter.bundle.path),
        "runtime": segmenter.runtime.name,
        "frame": list(frame.shape[:2]),
        "view": [segmenter.framing.height, segmenter.framing.width],
        "phrases": len(texts),
        "included": INCLUDED,
        "machine": machine(),
        "milliseconds": {step: Timing.from_runs([lap[step] for lap in laps]).to_json() for step in laps[0]},
    }


def machine() -> str:
    """Name the processor and the system that figures were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
