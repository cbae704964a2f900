"""Frames from a camera, a file or a stream: the latest of a live source, every one of a file."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import numpy as np

from isfp.camera.sources import Reader, Source, source_of
from isfp.errors import CameraError

__all__ = ["Camera", "open"]

#: Seconds before a lost source is opened anew, and the most that this grows to; it doubles with each try that brings no frame.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
_log = logging.getLogger(__name__)


def open(uri: str | int | Path, patience: float = 30.0) -> Camera:
    """Open a source of frames.

        with isfp.camera.open("rtsp://robot.local/head") as camera:
            for frame in camera:
                ...

    Args:
        uri: a camera's number (`0`), a device (`/dev/video0`), a stream (`rtsp://...`, `http://...`), `csi://0` for a Jetson's
            CSI camera, a GStreamer pipeline that ends in `appsink`; a video, a picture, or a folder of pictures, read in the
            order of their names.
        patience: seconds to wait for the source to open, and then for each frame; a live source that went away is opened anew
            till then.

    Raises:
        CameraError: it cannot be opened, or not in time; or it is a pipeline, and this OpenCV lacks GStreamer.
    """
    return Camera(source_of(uri), patience)


class Camera:
    """A source of frames, read in a thread of its own.

    A live source (camera, stream, pipeline) gives the latest frame, and drops those that nobody asked for in time. Where it
    fails it is opened anew, after a wait that grows from 0.5 to 8 s. A file gives every frame in order, then ends. Iterate
    over it for uint8 frames `[h,w,3]`, blue, green, red.

    Attributes:
        name: the URI, without anything that may be a secret, such as user and password.
        live: whether the source is a live one.
        frames_per_second: as the source says it, or 30 where it does not.
        seconds: when the frame that was given last is shown, seconds after the first: the time stamp of a video, the time of
            arrival of a live source.
        reconnects: how often a lost source came back.
        path: the file or folder, if the source is one.
        unreadable: pictures of a folder that were passed over because they cannot be read, with the reason.
    """

    def __init__(self, source: Source, patience: float = 30.0) -> None:
        """Open a source; `open` does it for a URI."""
        self.name, self.live, self.path, self.reconnects = source.name, source.live, source.path, 0
        self.frames_per_second = self.seconds = 0.0
        self.unreadable: dict[str, str] = {}
        self._connect, self._patience = source.connect, patience
        self._frame: tuple[np.ndarray, float] | None = None  # and its `seconds`
        self._first: float | None = None
        self._opened = self._ended = self._closing = False
        self._error: Exception | None = None  # why it ended, or why it is away
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"camera {self.name}", daemon=True)
        self._thread.start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._opened or self._ended, patience):
                self._closing = True  # should it open after all, its thread frees it
                raise CameraError(
                    f"{self.name!r} did not open within {patience:g} s. Check that it works elsewhere; of a pipeline, that every "
                    "element exists (gst-inspect-1.0 NAME): some versions of OpenCV wait without end for one that does not."
                )
        if not self._opened and self._error:
            raise self._error
        atexit.register(self.close)  # a driver that is still read while Python goes down may crash

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield frames until the source ends or is closed; as `read`."""
        while (frame := self.read()) is not None:
            yield frame

    def read(self, timeout: float | None = None) -> np.ndarray | None:
        """Wait for a frame that was not given yet; None where the source has ended or was closed.

        Args:
            timeout: seconds to wait; by default the camera's patience.

        Raises:
            CameraError: no frame came in time, or a file holds none.
            FrameError: a picture of a folder cannot be read.
        """
        timeout = self._patience if timeout is None else timeout
        with self._changed:
            if not self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout):
                why = f"Since then: {self._error}" if self._error else "Check that it is plugged in."
                raise CameraError(f"{self.name!r} gave no frame for {timeout:g} s; expected one. {why}")
            given, self._frame = self._frame, None
            self._changed.notify_all()
            if given is None:
                if self._error and not self._closing:
                    raise self._error
                return None
            frame, self.seconds = given
            return frame

    def close(self) -> None:
        """Stop reading and free the source; it may be called more than once, and from any thread.

        It waits for the read in progress, with a stream that hangs for 5 s at most.
        """
        atexit.unregister(self.close)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            reader: Reader | None = self._connect()
            wait = _FIRST_WAIT
            while reader:
                try:
                    frames = self._give_frames(reader)
                finally:
                    reader.release()  # by the thread that reads: releasing under a read crashes some drivers
                if not self.live:
                    if not frames and not self._closing:
                        raise CameraError(f"{self.name!r} holds no frame that this OpenCV decodes; expected a video.")
                    break
                reader, wait = self._reconnect(_FIRST_WAIT if frames else wait)
        except Exception as error:  # whatever it is, the thread that asks for frames must hear of it
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _give_frames(self, reader: Reader) -> int:
        """Hand on frames until there is none, or the camera is closed; return how many."""
        with self._changed:
            self.frames_per_second, self._opened = reader.frames_per_second, True
            self.unreadable = reader.unreadable
            self._changed.notify_all()
        count = 0
        while not self._closing and (frame := reader.read()) is not None:
            count += 1
            seconds = reader.seconds
            if self.live:
                now = monotonic()
                self._first = now if self._first is None else self._first
                seconds = now - self._first
            with self._changed:
                if not self.live:
                    self._changed.wait_for(lambda: self._frame is None or self._closing)
                self._frame, self._error = (frame, seconds), None
                self._changed.notify_all()
        return count

    def _reconnect(self, wait: float) -> tuple[Reader | None, float]:
        """Open the source anew, as often as it takes; None where the camera is closed meanwhile. Also the next wait."""
        lost = monotonic()
        _log.warning("%s is lost; trying again in %g s", self.name, wait)
        while not self._closes_within(wait):
            wait = min(2 * wait, _LONGEST_WAIT)
            try:
                reader = self._connect()
            except CameraError as error:
                self._error = error
                _log.info("%s is still away; trying again in %g s", self.name, wait)
                continue
            self.reconnects += 1
            _log.warning("%s is back after %.1f s", self.name, monotonic() - lost)
            return reader, wait
        return None, wait

    def _closes_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closing, seconds)
