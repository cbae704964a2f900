"""A slot for the newest item: while one frame is processed, only the newest of those that arrive waits."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Passes items from one thread to another; an item that is not taken in time is replaced by the next.

    A queue of depth 1 in the middleware would do the same, but one that overflows may fail to wake its reader (Fast DDS 3.2).
    """

    def __init__(self) -> None:
        self._item: T | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        with self._changed:
            self._item = item
            self._changed.notify()

    def take(self) -> T | None:
        """Wait for a new item; return None once this is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
