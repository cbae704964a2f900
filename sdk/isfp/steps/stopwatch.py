"""Wall-clock time of the steps of a frame."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Records how long each step took, in milliseconds; a step that runs again replaces its earlier time."""

    def __init__(self, **steps: float) -> None:
        """Start with the steps that were timed elsewhere, in milliseconds."""
        self._steps = steps

    def step(self, name: str) -> _Step:
        """Time the body of a `with` block under this name, unless it ends with an error."""
        return _Step(self._steps, name)

    def milliseconds(self) -> dict[str, float]:
        """Return the time of each step in the order in which they first ran, and their sum as `total`."""
        return {**self._steps, "total": sum(self._steps.values())}


class _Step:
    """A `with` block that is timed. Each frame has several, and between the network's stages a generator's calls add up."""

    __slots__ = ("_name", "_start", "_steps")

    def __init__(self, steps: dict[str, float], name: str) -> None:
        self._steps, self._name = steps, name

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._steps[self._name] = (perf_counter() - self._start) * 1e3
