"""One thread at a time: a Segmenter reuses its buffers, so a second thread inside it would change the first one's results."""

from __future__ import annotations

import threading
from types import TracebackType

from isfp.errors import SegmenterInUseError


class OneThread:
    """A context manager that the same thread may enter again, and another thread may not while it is inside."""

    def __init__(self) -> None:
        """Start with no thread inside."""
        self._lock = threading.RLock()
        self._inside = 0

    def __enter__(self) -> OneThread:
        """Enter without waiting.

        Raises:
            SegmenterInUseError: another thread is inside.
        """
        if not self._lock.acquire(blocking=False):
            inside = {thread.ident: thread.name for thread in threading.enumerate()}.get(self._inside, "")
            raise SegmenterInUseError(
                f"The thread {threading.current_thread().name!r} used a Segmenter while the thread {inside!r} was using it. "
                "Make one Segmenter for each thread, or pass all frames to one thread: they share buffers, and would get each "
                "other's results."
            )
        self._inside = threading.get_ident()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()
