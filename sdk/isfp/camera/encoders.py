"""What encodes the frames of a video file: PyAV if it is installed, else OpenCV."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np


class Encoder(Protocol):
    """Writes frames of one size to a file."""

    codec: str
    plays_in_browser: bool

    def write(self, frame: np.ndarray) -> None:
        """Append a frame, uint8 `[h,w,3]`, blue, green, red. May raise OSError; OpenCV does not."""

    def close(self) -> None:
        """Finish the file. May raise OSError; OpenCV does not."""


def formats() -> list[str]:
    """Return the endings of the files that can be written."""
    return list(_ENCODERS)


def first_encoder(path: Path, rate: float, size: tuple[int, int]) -> tuple[Encoder | None, list[str]]:
    """Open the best encoder for a file that works here.

    Args:
        path: the file; its ending gives the format.
        rate: frames per second.
        size: width and height, even.

    Returns:
        The encoder, or None if there is none, and the codecs that were tried.
    """
    tried = []
    for codec, make in _ENCODERS[path.suffix]:
        tried.append(codec)
        encoder = make(path, rate, size)
        if encoder is not None:
            return encoder, tried
    return None, tried


class _OpenCv:
    def __init__(self, writer: cv2.VideoWriter, codec: str, plays_in_browser: bool) -> None:
        self._writer, self.codec, self.plays_in_browser = writer, codec, plays_in_browser

    def write(self, frame: np.ndarray) -> None:
        self._writer.write(frame)

    def close(self) -> None:
        self._writer.release()


class _PyAv:
    """H.264 by PyAV."""

    def __init__(self, av: Any, path: Path, rate: float, size: tuple[int, int], encoder: str) -> None:
        self.codec, self.plays_in_browser = "H.264", True
        self._av = av
        self._container = av.open(str(path), "w")
        self._stream = self._container.add_stream(encoder, rate=Fraction(rate).limit_denominator(1001))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"  # the only one that browsers play
        self._failed = False

    def write(self, frame: np.ndarray) -> None:
        self._send(self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="bgr24"))

    def close(self) -> None:
        try:
            if not self._failed:
                self._send(None)
        finally:
            try:
                self._container.close()
            except self._av.error.FFmpegError as error:
                raise _os_error(error) from error

    def _send(self, frame: object) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except self._av.error.FFmpegError as error:
            self._failed = True
            raise _os_error(error) from error


def _os_error(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else OSError(0, str(error))


def _pyav(path: Path, rate: float, size: tuple[int, int]) -> Encoder | None:
    try:
        av: Any = importlib.import_module("av")
    except ImportError:
        return None
    for name in ("libx264", "libopenh264"):
        if name in av.codecs_available:
            with suppress(av.error.FFmpegError, ValueError):
                return _PyAv(av, path, rate, size, name)
    return None


def _opencv(fourcc: str, codec: str, plays_in_browser: bool, ask: Callable[[], bool] = lambda: True) -> Callable:
    def make(path: Path, rate: float, size: tuple[int, int]) -> Encoder | None:
        if not ask():
            return None
        with _quiet():  # FFmpeg comments on tags that browsers play
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), rate, size)
        return _OpenCv(writer, codec, plays_in_browser) if writer.isOpened() else None

    return make


@cache
def _opencv_has_h264() -> bool:
    """Say whether this OpenCV encodes H.264; those from PyPI do not."""
    with tempfile.TemporaryDirectory() as folder, _quiet():
        writer = cv2.VideoWriter(str(Path(folder) / "try.mp4"), cv2.VideoWriter.fourcc(*"avc1"), 25, (64, 64))
        opened = writer.isOpened()
        writer.release()
    return opened


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what FFmpeg prints off the terminal: it writes to the process' standard error, past Python."""
    try:
        number = sys.__stderr__.fileno() if sys.__stderr__ else 2
        kept = os.dup(number)
    except (OSError, ValueError):
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, number)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
        os.close(nothing)


# Ending -> what to try, best first. Each name is what the reader of an error or a note sees.
_ENCODERS: dict[str, list[tuple[str, Callable[[Path, float, tuple[int, int]], Encoder | None]]]] = {
    ".mp4": [
        ("H.264", _pyav),
        ("H.264", _opencv("avc1", "H.264", True, lambda: _opencv_has_h264())),
        ("mp4v", _opencv("mp4v", "MPEG-4 Part 2", False)),
    ],
    ".avi": [("MJPG", _opencv("MJPG", "Motion JPEG", False))],
    ".webm": [("VP8", _opencv("VP80", "VP8", True))],
}
