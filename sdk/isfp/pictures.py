"""Reading and writing picture files, with errors that say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from isfp.errors import FrameError, WriteError
from isfp.files.atomic_file import write_bytes
from isfp.files.picture_folder import ENDINGS

__all__ = ["ENDINGS", "check_ending", "decode", "encode", "read", "write"]


def read(path: str | Path) -> np.ndarray:
    """Read a picture: uint8 `[h,w,3]`, blue, green, red, turned as its EXIF says.

    Raises:
        FrameError: there is no such file, or OpenCV cannot read it as a picture.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise FrameError(f"The picture {path} cannot be read: {why}. Check the path.") from error
    return decode(content, str(path))


def decode(content: bytes, name: str) -> np.ndarray:
    """Decode a picture file's content as `read` does; `name` names it in errors.

    Raises:
        FrameError: OpenCV cannot read it as a picture.
    """
    try:
        frame = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except cv2.error as error:
        raise FrameError(f"{name} cannot be decoded ({error.err}); expected a picture of at most 2^30 pixels.") from error
    if frame is None:
        raise FrameError(f"{name} is not a picture that OpenCV can read; expected JPEG, PNG, BMP, TIFF or WebP.")
    return frame


def write(path: str | Path, picture: np.ndarray) -> None:
    """Write a picture, uint8 `[h,w,3]`, completely or not at all; the ending of the name gives the format.

    Raises:
        WriteError: the ending is unknown, or the file cannot be written; an existing file stays as it was.
    """
    write_bytes(path, encode(path, picture))


def encode(path: str | Path, picture: np.ndarray) -> bytes:
    """Return the content of a picture file; the ending of `path` gives the format.

    Raises:
        WriteError: the ending is unknown, or the format cannot hold a picture of this size.
    """
    check_ending(path)
    try:
        return cv2.imencode(Path(path).suffix, picture)[1].tobytes()
    except cv2.error as error:
        raise WriteError(f"{path} cannot be encoded ({error.err}). Make the picture smaller, or write a .png.") from error


def check_ending(path: str | Path) -> None:
    """Check that the ending of a picture file to write is known, before any work.

    Raises:
        WriteError: it is not.
    """
    ending = Path(path).suffix
    if ending.lower() not in ENDINGS:
        raise WriteError(f"{path} ends in {ending!r}; expected .png or .jpg.")
