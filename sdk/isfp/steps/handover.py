"""Values handed from one thread to the next: one at a time, in order, so that neither runs away from the other."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """Holds at most one value between two threads. `end` lets the taker have it first; `stop` frees both threads at once.

    Attributes:
        replaced: how many values were never taken, because a newer one came.
    """

    def __init__(self, newest_only: bool = False) -> None:
        """Start empty.

        Args:
            newest_only: replace a value that nobody has taken yet by a newer one, instead of waiting.
        """
        self.replaced = 0
        self._newest_only = newest_only
        self._value: T | None = None
        self._error: BaseException | None = None
        self._ended = self._stopped = False
        self._changed = threading.Condition()

    def put(self, value: T) -> bool:
        """Hand on a value, which is not None; wait until the one before it was taken. False if it is not wanted any more."""
        with self._changed:
            if not self._newest_only:
                self._changed.wait_for(lambda: self._value is None or self._stopped)
            if self._stopped:
                return False
            self.replaced += self._value is not None
            self._value = value
            self._changed.notify_all()
            return True

    def take(self) -> T | None:
        """Wait for a value; None if it ended without an error, or was stopped.

        Raises:
            BaseException: the error with which it ended; once.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None or self._ended or self._stopped)
            value, self._value = self._value, None
            if value is None:
                error, self._error = self._error, None
                if error is not None:
                    raise error
            self._changed.notify_all()
            return value

    def wait_until_taken(self) -> bool:
        """Wait until no value is left to take. False if none is wanted any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._value is None or self._stopped)
            return not self._stopped

    def end(self, error: BaseException | None = None) -> None:
        """Say that no value follows, and why if that is an error."""
        with self._changed:
            self._error, self._ended = (None if self._stopped else error), True
            self._changed.notify_all()

    def stop(self) -> None:
        """Free both threads, and forget what is held."""
        with self._changed:
            self._value = self._error = None
            self._stopped = True
            self._changed.notify_all()
