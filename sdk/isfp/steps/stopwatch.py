"""Wall-clock time of the steps of a frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Records how long each step took, in milliseconds; a step that runs again replaces its earlier time."""

    def __init__(self, **steps: float) -> None:
        """Start with the steps that were timed elsewhere, in milliseconds."""
        self._steps = steps

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the body of a `with` block under this name."""
        start = perf_counter()
        yield
        self._steps[name] = (perf_counter() - start) * 1e3

    def milliseconds(self) -> dict[str, float]:
        """Return the time of each step in the order in which they first ran, and their sum as `total`."""
        return {**self._steps, "total": sum(self._steps.values())}
