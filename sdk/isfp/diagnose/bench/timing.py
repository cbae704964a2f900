"""Milliseconds of repeated runs, and their summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np

#: The milliseconds of each step of one run, with their sum as `total`.
Lap = dict[str, float]


@dataclass(frozen=True)
class Timing:
    """Milliseconds of repeated runs."""

    median: float
    p95: float
    p99: float
    least: float
    runs: int

    @classmethod
    def from_runs(cls, milliseconds: Sequence[float]) -> Timing:
        """Summarise single runs, each in milliseconds."""
        p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99]).round(3).tolist()
        return cls(p50, p95, p99, round(min(milliseconds), 3), len(milliseconds))

    def to_json(self) -> dict[str, float]:
        """Return the figures as JSON values."""
        return asdict(self)


def by_step(laps: Sequence[Lap]) -> dict[str, Timing]:
    """Summarise each step of repeated runs, in the order of the first run; a step counts in the runs that have it."""
    return {step: Timing.from_runs([lap[step] for lap in laps if step in lap]) for step in laps[0]}


def interleave(tasks: Mapping[str, Callable[[], object]], runs: int, warm_up: int = 5) -> dict[str, Timing]:
    """Time several tasks in this process in turn, one run of each per round, so that other load affects all of them alike."""
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
