"""Results for a stream of frames: one thread reads and letterboxes, one runs the network, and the caller handles results.

Of each kind of work there is one at a time, so results come in the order of the frames and are those of a plain loop. What overlaps
is reading frame n+2, the network on frame n+1, and what the caller does with frame n.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from isfp.errors import IsfpError
from isfp.steps.handover import Handover
from isfp.steps.one_thread import OneThread
from isfp.steps.phrase import EncodedPhrase
from isfp.steps.prepared_frame import PreparedFrame
from isfp.steps.view import PhraseList

T = TypeVar("T")

#: Seconds that closing waits for a source to give the frame that is being read. A thread cannot be ended from outside.
_PATIENCE = 5.0
_log = logging.getLogger(__name__)


class StreamedSegmenter(Protocol):
    """What a stream uses of a Segmenter."""

    @property
    def one_thread(self) -> OneThread:
        """Held while the stream runs."""

    def prepare(self, frame: np.ndarray) -> PreparedFrame:
        """Letterbox a frame; called by the thread that reads."""

    def encode(self, text: str) -> EncodedPhrase:
        """Check a phrase."""


@dataclass(frozen=True, eq=False)
class StreamItem(Generic[T]):
    """A frame of a stream, and what was found in it.

    Attributes:
        frame: as it came from the source, uint8 `[h,w,3]`.
        result: what `run` returns for the frame and the phrase or phrases.
        index: the frame's number in the source, from 0; numbers of dropped frames are missing.
        seconds: when the frame is shown, seconds after the first: `Camera.seconds`, or when it was read from another source.
    """

    frame: np.ndarray
    result: T
    index: int
    seconds: float


class Stream(Generic[T]):
    """Iterates over the frames of a source with their results; `Segmenter.stream` and `Smoother.stream` return it.

        for item in segmenter.stream(frames, "the red mug"):
            print(item.index, item.result.found)

    Its two threads start with the first item, and end with the last one, with an error, with `close`, or when nothing refers to the
    stream any more, as after a `break` out of the loop above. If you keep a stream in a variable, use it as a context manager.
    Whatever the source is, at most five of its frames are held at a time.

    An error of the source or of the network is raised where its frame would have come, after the results of all frames before it.
    """

    def __init__(
        self,
        segmenter: StreamedSegmenter,
        run: Callable[[PreparedFrame, Any], T],
        frames: Iterable[np.ndarray],
        text: str | PhraseList,
        drop_late: bool | None = None,
    ) -> None:
        """Take a source; nothing is read from it yet. `Segmenter.stream` explains frames, text and drop_late, and what is raised.

        Args:
            segmenter: prepares frames, and is kept from other threads while the stream runs.
            run: returns the result for a prepared frame and a text.
            frames: the source.
            text: one phrase, or a list of them.
            drop_late: keep only the newest frame.
        """
        if isinstance(frames, str):
            raise IsfpError(f"The frames are the text {frames!r}; expected frames. Open a source: isfp.camera.open({frames!r})")
        try:
            iterator = iter(frames)
        except TypeError as error:
            raise IsfpError(
                f"The frames are of the type {type(frames).__name__}; expected what can be iterated over: a camera, a list, a "
                "generator."
            ) from error
        self._segmenter = segmenter
        live = bool(getattr(frames, "live", False))
        drop_late = live if drop_late is None else drop_late
        self._threads = _Threads(segmenter, run, frames, iterator, self._checked(text), drop_late)
        # The threads know nothing of this object, so that it goes when its user forgets it. It also runs when the program ends.
        self._close = weakref.finalize(self, self._threads.stop)

    @property
    def text(self) -> str | PhraseList:
        """The phrase or phrases that are looked for. A new text counts from the next frame that the network begins with.

        Raises:
            PhraseError: on setting: a phrase is not text, or has no words; the old text stays.
        """
        return self._threads.text

    @text.setter
    def text(self, text: str | PhraseList) -> None:
        self._threads.text = self._checked(text)

    @property
    def dropped(self) -> int:
        """How many frames were dropped so far because a newer one came before the network was free."""
        return self._threads.waiting.replaced

    def close(self) -> None:
        """Stop, and free the Segmenter for other uses; it may be called more than once.

        It waits for the frame in the network, and for the one that is being read, for that 5 s at most: a source that hangs for
        longer keeps its thread until it gives a frame or is closed.
        """
        self._close()

    def __iter__(self) -> Iterator[StreamItem[T]]:
        return self

    def __next__(self) -> StreamItem[T]:
        if not self._close.alive:
            raise StopIteration
        try:
            item = self._threads.next_item()
        except BaseException:  # KeyboardInterrupt too
            self.close()
            raise
        if item is None:
            self.close()
            raise StopIteration
        return item

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _checked(self, text: str | PhraseList) -> str | PhraseList:
        if not isinstance(text, list | tuple):
            self._segmenter.encode(text)
            return text
        for phrase in text:
            self._segmenter.encode(phrase)
        return tuple(text)  # a copy, for the list may change while the network reads it


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A frame that waits for the network."""

    frame: np.ndarray
    prepared: PreparedFrame
    index: int
    seconds: float


class _Threads(Generic[T]):
    """The two threads of a stream, and what passes between them and the caller."""

    def __init__(
        self,
        segmenter: StreamedSegmenter,
        run: Callable[[PreparedFrame, Any], T],
        frames: Iterable[np.ndarray],
        iterator: Iterator[np.ndarray],
        text: str | PhraseList,
        drop_late: bool,
    ) -> None:
        self.text = text
        self.waiting: Handover[_Waiting] = Handover(newest_only=drop_late)
        self._results: Handover[StreamItem[T]] = Handover()
        self._segmenter, self._run, self._drop_late = segmenter, run, drop_late
        # Daemons, so that a source that hangs does not keep the program from ending.
        self._worker = threading.Thread(target=self._work, name="isfp stream", daemon=True)
        self._reader = threading.Thread(target=self._read, args=(frames, iterator), name="isfp stream source", daemon=True)

    def next_item(self) -> StreamItem[T] | None:
        """Wait for the next item; None if there is none. The first call starts the threads.

        Raises:
            SegmenterInUseError: this is a fork, which lacks the threads.
        """
        self._segmenter.one_thread.check_process()
        if self._worker.ident is None:
            self._worker.start()
            self._reader.start()
        return self._results.take()

    def stop(self) -> None:
        """Tell both threads to end, and wait for them."""
        if self._segmenter.one_thread.is_forked:
            return  # it has no threads, and a lock of theirs may never be released
        self.waiting.stop()
        self._results.stop()
        if threading.current_thread() in (self._worker, self._reader):
            return  # the garbage collector found the stream while one of them ran
        if self._worker.ident is not None:
            self._worker.join()
        if self._reader.ident is not None:
            self._reader.join(_PATIENCE)
            if self._reader.is_alive():
                _log.warning("The source of a stream gave no frame for %g s, and is left to its thread.", _PATIENCE)

    def _read(self, frames: Iterable[np.ndarray], iterator: Iterator[np.ndarray]) -> None:
        start = None
        try:
            for index, frame in enumerate(iterator):
                now = monotonic()
                start = now if start is None else start
                seconds = getattr(frames, "seconds", now - start)
                if not self.waiting.put(_Waiting(frame, self._segmenter.prepare(frame), index, seconds)):
                    return
        except BaseException as error:  # whatever it is, the caller must hear of it
            self.waiting.end(error)
        else:
            self.waiting.end()

    def _work(self) -> None:
        try:
            with self._segmenter.one_thread:
                # Of a live source, a frame is taken when its result can be: it would grow old while results wait for the caller.
                while not self._drop_late or self._results.wait_until_taken():
                    one = self.waiting.take()
                    if one is None:
                        break
                    result = self._run(one.prepared, self.text)
                    if not self._results.put(StreamItem(one.frame, result, one.index, one.seconds)):
                        break
        except BaseException as error:
            self._results.end(error)
        else:
            self._results.end()
        finally:
            self.waiting.stop()
