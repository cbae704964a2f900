"""Measure several tasks in this process in turn, and say what they were measured on; for the programs `bench_*.py` beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from isfp.diagnose.bench.machine import BUSY, facts, machine, versions
from isfp.diagnose.bench.timing import Timing
from isfp.files.atomic_file import write_json

#: Runs a task once, and returns how many milliseconds it took.
Task = Callable[[], float]
#: Measured runs of a turn, after one that is not measured: as in `isfp bench`.
RUNS_A_TURN = 3
#: Seconds between turns, in which the threads of the last task stop spinning.
PAUSE = 0.02
WARNING = "Other programs were using this machine: do not trust these times. Ratios suffer less."


def clocked(work: Callable[[], object]) -> Task:
    """Make a task of what is to be timed."""

    def run() -> float:
        start = perf_counter()
        work()
        return (perf_counter() - start) * 1e3

    return run


def take_turns(
    tasks: Mapping[str, Task],
    rounds: int,
    runs: int = RUNS_A_TURN,
    warm_up: int = 1,
    after_round: Callable[[dict[str, Timing]], object] = lambda timings: None,
) -> dict[str, Timing]:
    """Measure tasks in rounds in which each has one turn, so that other load on the machine affects all of them alike.

    Args:
        tasks: what to measure, by name.
        rounds: number of turns of each.
        runs: measured runs of a turn.
        warm_up: runs of a turn before those, which are not measured.
        after_round: is given the timings so far after each round.
    """
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            for _ in range(warm_up):
                task()
            taken[name] += [task() for _ in range(runs)]
            sleep(PAUSE)
        after_round(_timings(taken))
    return _timings(taken)


def _timings(taken: Mapping[str, list[float]]) -> dict[str, Timing]:
    return {name: Timing.from_runs(values) for name, values in taken.items()}


def save(path: Path | None, report: Mapping[str, Any]) -> None:
    """Write what was measured so far as JSON, completely or not at all, so that a program that is stopped keeps it.

    Args:
        path: the file; None for none.
        report: JSON values.

    Raises:
        WriteError: the file cannot be written.
    """
    if path is not None:
        write_json(path, report)


def conditions(threads: int) -> dict[str, Any]:
    """Return what a measurement is made on, as JSON values; to be called before it begins."""
    found = facts()
    return {
        "machine": machine(),
        "facts": found,
        "versions": versions(),
        "threads": threads,
        "busy": (found["load_average"] or 0) > BUSY,
    }
