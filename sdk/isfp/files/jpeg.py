"""The structure of a JPEG file: its segments, and whether it is complete."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = 0xD9
_WITHOUT_LENGTH = frozenset((0x01, 0xD8, _END))
# Inside compressed data, FF 00 is a data byte and FF D0 to FF D7 are restart marks.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each segment: its marker's second byte, and where its payload starts and ends. The end of the picture comes last.

    Previews inside a segment and pictures after the end of the first one are not part of it.
    """
    at = 0
    while found := _MARKER.search(content, at):
        marker, at = found[1][0], found.end()
        start = at
        if marker not in _WITHOUT_LENGTH:
            at += max(2, int.from_bytes(content[at : at + 2], "big"))
            start += 2
        yield marker, start, at
        if marker == _END:
            return


def is_complete(content: bytes) -> bool:
    """Say whether a JPEG file reaches the end of its picture: OpenCV before 4.11 fills what was cut off with grey."""
    return any(marker == _END for marker, _, _ in segments(content))
