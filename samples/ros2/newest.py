"""One place for what came last: a frame is worked on at a time, and of those that come meanwhile only the newest waits."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Hands things from a thread that gets them to a thread that works on them; what was not taken in time is dropped.

    A queue of depth 1 in the middleware would do the same, but one that overflows may not wake its reader (Fast DDS 3.2).
    """

    def __init__(self) -> None:
        self._thing: T | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, thing: T) -> None:
        with self._changed:
            self._thing = thing
            self._changed.notify()

    def take(self) -> T | None:
        """Wait for a thing that was not taken yet; None once this is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._thing is not None or self._closed)
            thing, self._thing = self._thing, None
            return None if self._closed else thing

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
