"""Video files to write, completely or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from isfp.camera.encoders import Encoder, first_encoder, formats
from isfp.errors import WriteError
from isfp.files.pending_file import PendingFile

_CHECK_EVERY = 16  # frames between two looks at the free space
_INDEX = 64  # bytes of a file's index for each frame
_LONGEST_GAP = 3600.0  # seconds between two frames; a longer gap is a damaged time stamp


class VideoFileError(WriteError):
    """A video file cannot be written."""


class VideoFile:
    """A video to write. It gets its name at the end of the block; if that fails, an existing file stays as it was.

    with VideoFile("out.mp4", 30) as video:
        video.write(frame)

    Attributes:
        path: the file.
        codec: what the frames are encoded as, such as "H.264"; empty before the first frame.
        plays_in_browser: whether browsers can play it.
    """

    def __init__(self, path: str | Path, frames_per_second: float) -> None:
        """Take a path that ends in .mp4, .avi or .webm; the first frame sets the size.

        Raises:
            VideoFileError: it has another ending, its name is not UTF-8, or its folder cannot be written to.
        """
        self.path, self._rate = Path(path), frames_per_second
        if self.path.suffix.lower() not in formats():
            raise VideoFileError(f"{path} ends in {self.path.suffix!r}; expected {' or '.join(formats())}.")
        self._file = PendingFile(path, VideoFileError)
        self.codec, self.plays_in_browser = "", False
        self._encoder: Encoder | None = None
        self._size = (0, 0)
        self._written = 0
        self._shown = np.empty(0)
        self._start = 0.0

    def write(self, frame: np.ndarray, seconds: float | None = None) -> None:
        """Append a frame, uint8 `[h,w,3]`, blue, green, red; all frames have the same size.

        The video has a constant frame rate. A frame with a time is written at its time: the frame before it is repeated until
        then, and a frame that comes too soon after the one before it is dropped. A row or column is repeated where a size is
        odd, because video formats need even sizes.

        Args:
            frame: the frame.
            seconds: when it is shown; without it, directly after the frame before it.

        Raises:
            VideoFileError: its size differs from the first frame's, the disk is full, or it cannot be encoded.
        """
        size = frame.shape[1], frame.shape[0]
        if self._encoder is None:
            self._encoder, self._size, self._start = self._first(size), size, seconds or 0.0
        if size != self._size:
            raise VideoFileError(
                f"The frame is {size[0]} x {size[1]}; expected {self._size[0]} x {self._size[1]}, as the first was."
            )
        due = self._written if seconds is None else self._due(seconds - self._start)
        while self._written < due:
            self._append(self._shown)
        if self._written == due:
            self._append(frame)
        self._shown = frame

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(keep=kind is None)

    def close(self, keep: bool = True) -> None:
        """Finish the file, check that it can be read, and give it its name; or drop it.

        Raises:
            VideoFileError: the file cannot be finished, or the frames written cannot be read back.
        """
        encoder, self._encoder = self._encoder, None
        try:
            if encoder is not None:
                encoder.close()
                if keep:
                    self._check()
                    self._file.finish()
        except OSError as error:
            if keep:
                raise self._file.error(error) from error
        finally:
            self._file.drop()

    def _first(self, size: tuple[int, int]) -> Encoder:
        self._file.check_room(_INDEX * self._written)
        even = size[0] + size[0] % 2, size[1] + size[1] % 2
        encoder, tried = first_encoder(self._file.new, self._rate, even)
        if encoder is None:
            raise VideoFileError(
                f"{self.path} cannot be written: this OpenCV ({cv2.__version__}) does not encode {' or '.join(tried)} at "
                f"{self._rate:g} frames a second. Install opencv-python from PyPI, or write {' or '.join(formats())}."
            )
        self.codec, self.plays_in_browser = encoder.codec, encoder.plays_in_browser
        return encoder

    def _due(self, seconds: float) -> int:
        latest = (self._written - 1) / self._rate + _LONGEST_GAP
        return round(min(max(seconds, 0.0), max(latest, 0.0)) * self._rate)

    def _append(self, frame: np.ndarray) -> None:
        assert self._encoder is not None
        if self._written % _CHECK_EVERY == 0:
            self._file.check_room(_INDEX * self._written)
        below, right = frame.shape[0] % 2, frame.shape[1] % 2
        if below or right:
            frame = cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE)
        try:
            self._encoder.write(frame)
        except OSError as error:
            raise self._file.error(error) from error
        self._written += 1

    def _check(self) -> None:
        found = _frames_in(self._file.new, self._written)
        if found < self._written:
            raise VideoFileError(
                f"{self.path} cannot be written: of {self._written} frames, {found} can be read back. Check that the disk has "
                "free space."
            )


def _frames_in(path: Path, expected: int) -> int:
    """Return how many frames of a video can be read, up to `expected`; of a sound file only the ends are decoded."""
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.grab():
            return 0
        if capture.get(cv2.CAP_PROP_FRAME_COUNT) >= expected:
            capture.set(cv2.CAP_PROP_POS_FRAMES, expected - 1)
            if capture.grab():
                return expected
    finally:
        capture.release()
    capture, count = cv2.VideoCapture(str(path)), 0
    try:
        while count < expected and capture.grab():
            count += 1
    finally:
        capture.release()
    return count
