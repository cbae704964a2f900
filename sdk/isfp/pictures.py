"""Reading and writing picture files, with errors that say what is wrong with them.

This is the one place that gives picture files to OpenCV, and what is read does not depend on OpenCV's version. OpenCV gets contents
instead of names (version 5 crashes on a name that is not UTF-8), only of kinds that every version reads, only complete ones, and is
not asked to turn them.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from isfp.errors import FrameError, WriteError
from isfp.files import jpeg
from isfp.files.atomic_file import write_bytes
from isfp.files.orientation import orientation, turned, without_orientation
from isfp.files.picture_folder import ENDINGS
from isfp.files.picture_kind import READ, kind_of
from isfp.files.read_file import read_limited

__all__ = ["ENDINGS", "check_ending", "decode", "encode", "read", "write"]

_EXPECTED = f"expected {', '.join(READ[:-1])} or {READ[-1]}"


def read(path: str | Path, alpha: bool = False) -> np.ndarray:
    """Read a picture: uint8 `[h,w,3]`, blue, green, red, turned upright as its EXIF data says.

    Args:
        path: the file: JPEG, PNG, BMP, TIFF or WebP, whatever its name ends in. Of several pictures in it, the first is read;
            animated WebP is not, because only some versions of OpenCV do.
        alpha: if the picture has 8 bits a channel and says how opaque its pixels are, return that as a fourth channel.

    Raises:
        FrameError: there is no such file, it is cut short or larger than 1 GiB, OpenCV cannot read it as a picture, or `path` is
            not a path.
    """
    if not isinstance(path, str | os.PathLike):
        hint = " Decode a file's content with pictures.decode." if isinstance(path, bytes | bytearray) else ""
        raise FrameError(f"The picture's path is of the type {type(path).__name__}; expected text or a Path.{hint}")
    path = Path(path)
    try:
        content = read_limited(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise FrameError(f"The picture {path} cannot be read: {why}. Check the path.") from error
    return decode(content, str(path), alpha)


def decode(content: bytes, name: str, alpha: bool = False) -> np.ndarray:
    """Decode a picture file's content as `read` does; `name` names it in errors.

    Raises:
        FrameError: it is cut short, not bytes, or OpenCV cannot read it as a picture.
    """
    if not isinstance(content, bytes | bytearray):
        raise FrameError(
            f"{name} is of the type {type(content).__name__}; expected a picture file's content as bytes. Read a file by its path "
            "with pictures.read."
        )
    kind = kind_of(content)
    if kind not in READ:
        why = f"is {kind}, which is not read" if kind else "is not a picture that OpenCV can read"
        raise FrameError(f"{name} {why}; {_EXPECTED}.")
    if kind == "JPEG" and not jpeg.is_complete(content):
        raise FrameError(f"{name} is not a picture that OpenCV can read: it is cut short. Copy the file again.")
    try:
        frame = _decoded(without_orientation(content, kind), alpha)
    except cv2.error as error:
        raise FrameError(f"{name} cannot be decoded ({error.err}); expected a picture of at most 2^30 pixels.") from error
    if frame is None:
        raise FrameError(f"{name} is not a picture that OpenCV can read: this {kind} file is damaged, or of a rare form.")
    return turned(frame, orientation(content, kind))


def _decoded(content: bytes, alpha: bool) -> np.ndarray | None:
    data = np.frombuffer(content, np.uint8)
    if alpha:
        frame = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if frame is not None and frame.dtype == np.uint8 and frame.shape[2:] == (4,):
            return frame
    return cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def write(path: str | Path, picture: np.ndarray) -> None:
    """Write a picture, uint8 `[h,w,3]`, completely or not at all; the ending of the name gives the format.

    Raises:
        WriteError: the ending is unknown, or the file cannot be written; an existing file stays as it was.
    """
    write_bytes(path, encode(path, picture))


def encode(path: str | Path, picture: np.ndarray) -> bytes:
    """Return the content of a picture file; the ending of `path` gives the format.

    Raises:
        WriteError: the ending is unknown, `picture` is not a picture, or the format cannot hold one of this size.
    """
    check_ending(path)
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or not picture.size:
        found = f"{picture.dtype} {list(picture.shape)}" if isinstance(picture, np.ndarray) else type(picture).__name__
        raise WriteError(f"What is to be written as {path} is {found}; expected a picture, uint8 [h,w,3].")
    try:
        return cv2.imencode(Path(path).suffix, picture)[1].tobytes()
    except cv2.error as error:
        raise WriteError(f"{path} cannot be encoded ({error.err}). Make the picture smaller, or write a .png.") from error


def check_ending(path: str | Path) -> None:
    """Check that the ending of a picture file to write is known, before any work.

    Raises:
        WriteError: it is not, or `path` is not a path.
    """
    if not isinstance(path, str | os.PathLike):
        raise WriteError(f"The path to write to is of the type {type(path).__name__}; expected text or a Path.")
    ending = Path(path).suffix
    if ending.lower() not in ENDINGS:
        raise WriteError(f"{path} ends in {ending!r}; expected .png or .jpg.")
