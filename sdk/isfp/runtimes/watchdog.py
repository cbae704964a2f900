"""Stops a run that does not end, such as one of a bundle with an endless loop in a stage."""

from __future__ import annotations

import threading
from typing import Any

#: Seconds that a run of a stage may take; a frame's stages take milliseconds to a few seconds, on slow machines too.
RUN_LIMIT = 120.0
_LOOKS = 10


class Watchdog:
    """Ends the runs of one ONNX Runtime session after another that take longer than a limit, by their `RunOptions`.

    A run costs it two locks. Its thread looks ten times in each span of the limit, and stops a run that it has then seen at every
    look: after the limit, or up to a tenth later. It counts looks, not time: while the whole process is stopped (Ctrl+Z, a
    debugger, `docker pause`), it does not look. It ends at the first look at which nothing runs; the next run starts it again.
    """

    def __init__(self, limit: float, options: Any) -> None:
        """Take the limit in seconds, and the `RunOptions` that every run is given."""
        self._span, self._options = limit / _LOOKS, options
        self._changed = threading.Condition()
        self._running = self._watched = self._closed = False
        self._number = 0  # of the run

    def start(self) -> None:
        """Say that a run starts."""
        with self._changed:
            self._running, self._number, self._options.terminate = True, self._number + 1, False
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="isfp watchdog", daemon=True).start()

    def end(self) -> bool:
        """Say that the run has ended, and return whether it was stopped."""
        with self._changed:
            stopped, self._running = bool(self._options.terminate), False
            self._options.terminate = False
        return stopped

    def close(self) -> None:
        """End the thread, as soon as nothing runs."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            seen, looks = self._number, 0
            while self._running:
                self._changed.wait(self._span)
                if self._closed and not self._running:
                    break
                seen, looks = (seen, looks + 1) if self._number == seen else (self._number, 0)
                self._options.terminate = self._running and looks >= _LOOKS
            self._watched = False
