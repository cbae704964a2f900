"""Frames from a camera, a file or a stream: the latest of a live source, every one of a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from isfp.errors import CameraError

if TYPE_CHECKING:
    from types import TracebackType

_CSI = (
    "nvarguscamerasrc sensor-id={sensor} ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1 ! "
    "nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1"
)


def has_gstreamer() -> bool:
    """Say whether this OpenCV was built with GStreamer."""
    return any("GStreamer" in line and "YES" in line for line in cv2.getBuildInformation().splitlines())


class Camera:
    """A source of frames, read in a thread of its own.

    A live source (camera, stream, pipeline) gives the latest frame, and drops those that nobody asked for in time. A
    file gives every frame in order. Iterate over it for uint8 frames `[h,w,3]`, blue, green, red.

        with Camera("0") as camera:
            for frame in camera:
                ...
    """

    def __init__(self, uri: str | int) -> None:
        """Open a source.

        Args:
            uri: a camera's number (`0`), a device (`/dev/video0`), a file, `rtsp://...` or `http://...`, `csi://0` for
                a Jetson's CSI camera, or a GStreamer pipeline that ends in `appsink`.

        Raises:
            CameraError: it cannot be opened.
        """
        self.uri = str(uri)
        self.live = not Path(self.uri).is_file()
        self._capture = _open(self.uri)
        self.frames_per_second = self._capture.get(cv2.CAP_PROP_FPS) or 30.0
        self._frame: np.ndarray | None = None
        self._ended = self._closing = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name=f"camera {self.uri}", daemon=True)
        self._reader.start()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield frames until the source ends or is closed."""
        while (frame := self.read()) is not None:
            yield frame

    def read(self, timeout: float = 10.0) -> np.ndarray | None:
        """Wait for a frame that was not given yet; None where the source has ended.

        Raises:
            CameraError: no frame came within `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout):
                raise CameraError(f"{self.uri!r} gave no frame for {timeout:g} s; expected one. Check that it is plugged in.")
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """Stop reading and free the source; it may be called more than once."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._reader.join()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _read(self) -> None:
        try:
            while not self._closing:
                good, frame = self._capture.read()
                if not good:
                    break
                with self._changed:
                    if not self.live:
                        self._changed.wait_for(lambda: self._frame is None or self._closing)
                    self._frame = frame
                    self._changed.notify_all()
        finally:
            self._capture.release()  # by the thread that reads: releasing under a read crashes some drivers
            with self._changed:
                self._ended = True
                self._changed.notify_all()


def _open(uri: str) -> cv2.VideoCapture:
    pipeline = _CSI.format(sensor=uri.removeprefix("csi://") or "0") if uri.startswith("csi://") else uri
    if "!" in pipeline:
        if not has_gstreamer():
            raise CameraError(
                f"{uri!r} needs GStreamer, and this OpenCV ({cv2.__version__}) lacks it, as PyPI's always does. "
                "Use the system's instead (sudo apt install python3-opencv; on Jetson, JetPack's own) in a virtual "
                "environment made with --system-site-packages."
            )
        capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
    elif uri.isdigit():
        capture = cv2.VideoCapture(int(uri))
    elif "://" in uri or Path(uri).exists():
        capture = cv2.VideoCapture(uri)
    else:
        raise CameraError(
            f"{uri!r} does not exist; expected a camera's number, a device such as /dev/video0, a file, rtsp://..., "
            "csi://0, or a GStreamer pipeline that ends in appsink."
        )
    if not capture.isOpened():
        capture.release()
        raise CameraError(
            f"{uri!r} cannot be opened. Check that it exists, that no other program holds it, that you may read it "
            "(on Linux: groups | grep video), and, for a file or stream, that this OpenCV decodes its codec."
        )
    return capture
