"""One thread at a time: a Segmenter reuses its buffers, so a second thread inside it would change the first one's results.

And one process: a fork has a copy of the Segmenter without the threads that compute, and would wait for them without end.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import NoReturn

from isfp.errors import SegmenterInUseError


class OneThread:
    """A context manager that the same thread may enter again, and another thread may not while it is inside."""

    def __init__(self) -> None:
        """Start with no thread inside."""
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._inside = 0

    @property
    def is_forked(self) -> bool:
        """Whether this is a copy in a fork of the process that made it."""
        return os.getpid() != self._process

    def check_process(self) -> None:
        """Check that this is the process that made it.

        Raises:
            SegmenterInUseError: it is a fork of that process.
        """
        if self.is_forked:
            raise SegmenterInUseError(
                f"The process {os.getpid()} used a Segmenter that the process {self._process} made before it forked: a fork lacks "
                "the threads that compute, and would wait for ever. Make a Segmenter in each process, after the fork."
            )

    def __enter__(self) -> OneThread:
        """Enter without waiting.

        Raises:
            SegmenterInUseError: another thread is inside, or this is a fork of the process that made it.
        """
        self.check_process()
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

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied and pickled, as part of a Segmenter or a view."""
        raise SegmenterInUseError(
            "A Segmenter cannot be copied or pickled: it holds a loaded network. Pass the bundle's path, and make a Segmenter in "
            "each thread or process; its results can be pickled."
        )
