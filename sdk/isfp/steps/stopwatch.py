"""Wall-clock time of the steps of a run."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Notes how long each step took, in milliseconds."""

    def __init__(self) -> None:
        """Start."""
        self._start = self._last = perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, step: str) -> None:
        """Note the time since the last lap under this step's name."""
        now = perf_counter()
        self._laps[step] = (now - self._last) * 1e3
        self._last = now

    def stop(self) -> dict[str, float]:
        """Return all steps and their `total`."""
        return {**self._laps, "total": (self._last - self._start) * 1e3}
