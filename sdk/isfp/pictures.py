"""Picture files in and out, with errors that say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from isfp.errors import FrameError, IsfpError

#: How the names of picture files end that folders are searched for.
ENDINGS = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))


def read(path: str | Path) -> np.ndarray:
    """Read a picture: uint8 `[h,w,3]`, blue, green, red, turned as its EXIF says.

    Raises:
        FrameError: there is no such file, or it is no picture that OpenCV reads.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FrameError(f"The picture {path} cannot be read: {error.strerror}. Check the path.") from error
    return decode(content, str(path))


def decode(content: bytes, name: str) -> np.ndarray:
    """Decode a picture file's content as `read` does; `name` names it in errors.

    Raises:
        FrameError: it is no picture that OpenCV reads.
    """
    try:
        frame = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except cv2.error as error:
        raise FrameError(f"{name} cannot be decoded ({error.err}); expected a picture of at most 2^30 pixels.") from error
    if frame is None:
        raise FrameError(f"{name} is no picture that OpenCV reads; expected JPEG, PNG, BMP, TIFF or WebP.")
    return frame


def write(path: str | Path, picture: np.ndarray) -> None:
    """Write a picture, uint8 `[h,w,3]`; the ending of the name says the format.

    Raises:
        IsfpError: the ending is unknown, or the file cannot be written.
    """
    path = Path(path)
    try:
        content = cv2.imencode(path.suffix, picture)[1]
    except cv2.error as error:
        raise IsfpError(f"{path} ends in {path.suffix!r}; expected .png or .jpg.") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise IsfpError(f"{path} cannot be written: {error.strerror}. Give another path.") from error
