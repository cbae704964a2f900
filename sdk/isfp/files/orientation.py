"""Which way up a picture is, from the EXIF data in its file.

OpenCV can turn pictures itself, but each version turns others: PNG since 4.7, WebP since 4.13 and only in one of its two forms;
TIFF pictures that lie on their side are rejected since 4.11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import cv2
import numpy as np

from isfp.files import jpeg

_TAG, _SHORT = 0x0112, 3
_APP1, _SCAN = 0xE1, 0xDA
_EXIF = b"Exif\0\0"
_ROTATIONS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_180, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Field(NamedTuple):
    """Where the two bytes of an orientation are in a file, and their order."""

    at: int
    order: Literal["big", "little"]


def orientation(content: bytes, kind: str) -> int:
    """Return the EXIF orientation of a picture, 1 to 8; 1, which is upright, if it states none.

    Args:
        content: the file's content.
        kind: as `picture_kind.kind_of` returns it.
    """
    field = _field(content, kind)
    value = int.from_bytes(content[field.at : field.at + 2], field.order) if field else 1
    return value if 1 <= value <= 8 else 1


def without_orientation(content: bytes, kind: str) -> bytes:
    """Return what OpenCV decodes without turning it, if it is also told to ignore orientations; in TIFF files it obeys them."""
    field = _field(content, kind) if kind == "TIFF" else None
    return content[: field.at] + (1).to_bytes(2, field.order) + content[field.at + 2 :] if field else content


def turned(frame: np.ndarray, value: int) -> np.ndarray:
    """Return a frame `[h,w,c]` upright, given its EXIF orientation, 1 to 8."""
    if value in (2, 4):
        return cv2.flip(frame, 1 if value == 2 else 0)
    if value in (5, 7):
        frame = cv2.transpose(frame)
    return cv2.rotate(frame, _ROTATIONS[value]) if value in _ROTATIONS else frame


def _field(content: bytes, kind: str) -> Field | None:
    """Return where the orientation is: in the first EXIF block, as OpenCV and browsers look for it."""
    blocks = {"JPEG": _jpeg_blocks, "PNG": _png_blocks, "WebP": _webp_blocks, "TIFF": lambda content: iter([(0, len(content))])}
    if kind not in blocks:
        return None
    start, end = next(blocks[kind](content), (0, 0))
    return _in_tiff(content, start, end)


def _jpeg_blocks(content: bytes) -> Iterator[tuple[int, int]]:
    for marker, start, end in jpeg.segments(content):
        if marker == _SCAN:
            return
        if marker == _APP1 and content.startswith(_EXIF, start):
            yield start + len(_EXIF), end


def _png_blocks(content: bytes) -> Iterator[tuple[int, int]]:
    at = 8
    while at + 8 <= len(content):
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if name == b"eXIf":
            yield at + 8, at + 8 + length
        at += length + 12


def _webp_blocks(content: bytes) -> Iterator[tuple[int, int]]:
    at = 12
    while at + 8 <= len(content):
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if name == b"EXIF":
            start = at + 8 + (len(_EXIF) if content.startswith(_EXIF, at + 8) else 0)
            yield start, at + 8 + length
        at += 8 + length + length % 2


def _in_tiff(content: bytes, start: int, end: int) -> Field | None:
    """Return where the orientation is in a block that is built like a TIFF file."""
    order: Literal["big", "little"] = "big" if content.startswith(b"MM", start) else "little"

    def number(at: int, size: int) -> int:
        return int.from_bytes(content[at : at + size], order)

    if number(start + 2, 2) != 42:
        return None
    directory, end = start + number(start + 4, 4), min(end, len(content))
    entries = range(directory + 2, min(directory + 2 + 12 * number(directory, 2), end - 11), 12)
    return next((Field(at + 8, order) for at in entries if number(at, 2) == _TAG and number(at + 2, 2) == _SHORT), None)
