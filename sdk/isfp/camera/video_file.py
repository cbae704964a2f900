"""Video files: how long one is, and one to write, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np

from isfp.errors import IsfpError

#: Ending -> codec. Both are in every OpenCV from PyPI, which has no H.264 encoder.
_CODECS = {".mp4": "mp4v", ".avi": "MJPG"}


class VideoFileError(IsfpError):
    """A video file cannot be written."""


def frame_count(path: str | Path) -> int:
    """Return how many frames a video says it has; 0 where it does not say."""
    capture = cv2.VideoCapture(str(path))
    try:
        return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        capture.release()


class VideoFile:
    """A video to write. It takes its name once the block ends; where that fails, what stood there stays.

    with VideoFile("out.mp4", 30) as video:
        video.write(frame)
    """

    def __init__(self, path: str | Path, frames_per_second: float) -> None:
        """Take a path that ends in .mp4 or .avi; the first frame sets the size.

        Raises:
            VideoFileError: it ends otherwise, or its folder cannot be made.
        """
        self.path, self._rate = Path(path), frames_per_second
        if self.path.suffix.lower() not in _CODECS:
            raise VideoFileError(f"{path} ends in {self.path.suffix!r}; expected {' or '.join(_CODECS)}.")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(prefix=f".{self.path.name}.", dir=self.path.parent)
        except OSError as error:
            raise VideoFileError(f"{path} cannot be written: {error.strerror}. Give another path.") from error
        self._new = Path(self._folder.name) / self.path.name.lower()
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, frame: np.ndarray) -> None:
        """Append a frame, uint8 `[h,w,3]`, blue, green, red, each of the same size.

        Raises:
            VideoFileError: its size is another one, or OpenCV cannot encode it.
        """
        size = frame.shape[1], frame.shape[0]
        if self._writer is None:
            self._writer, self._size = self._start(size), size
        if size != self._size:
            raise VideoFileError(
                f"The frame is {size[0]} x {size[1]}; expected {self._size[0]} x {self._size[1]}, as the first was."
            )
        self._writer.write(frame)

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._writer is not None:
            self._writer.release()
            if kind is None:
                os.replace(self._new, self.path)
        self._folder.cleanup()

    def _start(self, size: tuple[int, int]) -> cv2.VideoWriter:
        codec = _CODECS[self._new.suffix]
        writer = cv2.VideoWriter(str(self._new), cv2.VideoWriter.fourcc(*codec), self._rate, size)
        if not writer.isOpened():
            raise VideoFileError(
                f"{self.path} cannot be written: this OpenCV ({cv2.__version__}) does not encode {codec} at "
                f"{self._rate:g} frames a second. Install opencv-python from PyPI, or write {' or '.join(_CODECS)}."
            )
        return writer
