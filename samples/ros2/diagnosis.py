"""The state of the node for /diagnostics: what it is waiting for, how many frames it answered, and its latency."""

from __future__ import annotations

import threading
from collections import deque
from statistics import median
from time import monotonic

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

_RECENT = 5.0  # seconds that the figures cover, and after which a missing image is reported


class Diagnosis:
    """Counts frames and their latencies over the last seconds. Thread-safe."""

    def __init__(self, name: str, runtime: str) -> None:
        self._name, self._runtime = name, runtime
        self._answered = self._refused = 0
        self._notes: list[str] = []
        self._latencies: deque[tuple[float, float, float]] = deque()  # when, run, since the image's stamp; ms
        self._refusal: tuple[float, str] | None = None
        self._lock = threading.Lock()

    def answered(self, run: float, age: float, notes: list[str]) -> None:
        """Count a frame: milliseconds from the image's arrival, and from its stamp, to the mask's publication; its notes."""
        with self._lock:
            self._notes = notes
            self._answered += 1
            self._latencies.append((monotonic(), run, age))

    def refused(self, why: str) -> None:
        """Count an image that was rejected."""
        with self._lock:
            self._refused += 1
            self._refusal = monotonic(), why

    def status(self, query: str, note: str = "") -> DiagnosticStatus:
        """Return the state as a status; `query` is the current phrase, empty if there is none yet, `note` what to know about it."""
        with self._lock:
            while self._latencies and monotonic() - self._latencies[0][0] > _RECENT:
                self._latencies.popleft()
            return self._status(query, note)

    def _status(self, query: str, note: str) -> DiagnosticStatus:
        level, message = DiagnosticStatus.OK, "running"
        if self._refusal and monotonic() - self._refusal[0] < _RECENT:
            level, message = DiagnosticStatus.ERROR, self._refusal[1]
        elif not query:
            level, message = DiagnosticStatus.WARN, "no query yet: publish one on input_query"
        elif not self._latencies:
            level, message = DiagnosticStatus.WARN, f"no image for {_RECENT:g} s on input_image"
        elif note:
            level, message = DiagnosticStatus.WARN, note
        values = {
            "query": query,
            "notes on the last result": "; ".join(self._notes),
            "runtime": self._runtime,
            "images answered": str(self._answered),
            "images rejected": str(self._refused),
            "frames per second": f"{len(self._latencies) / _RECENT:.1f}",
        }
        if self._latencies:
            runs, ages = ([entry[n] for entry in self._latencies] for n in (1, 2))
            values |= {
                "latency ms, median": f"{median(runs):.1f}",
                "latency ms, maximum": f"{max(runs):.1f}",
                "since the image's stamp ms, median": f"{median(ages):.1f}",
            }
        pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
        return DiagnosticStatus(level=level, name=self._name, message=message, hardware_id="", values=pairs)
