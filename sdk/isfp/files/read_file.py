"""Reading the files that a user gives, with errors that say what is wrong with them, and not more of one than memory holds."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any, BinaryIO

from isfp.errors import IsfpError

#: Bytes of the largest picture that is read; its pixels take more. A device such as /dev/zero has no end.
MOST_BYTES = 1 << 30
#: Bytes of the largest text: phrases, settings, reports.
MOST_TEXT = 256 << 20


def read_limited(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """Return a file's content.

    Raises:
        OSError: it cannot be read, or has more than `most` bytes.
        ValueError: the path is not one.
    """
    with open(path, "rb") as file:
        return read_stream(file, str(path), most)


def read_stream(file: BinaryIO, name: str, most: int = MOST_BYTES) -> bytes:
    """Return what is left in an open file.

    Raises:
        OSError: it cannot be read, or has more than `most` bytes.
    """
    parts, left = [], most + 1
    while left and (part := file.read(min(left, 16 << 20))):
        parts.append(part)
        left -= len(part)
    if not left:
        raise OSError(errno.EFBIG, f"It has more than {most >> 20} MiB", name)
    return b"".join(parts)


def read_text(path: str | Path, expected: str, kind: type[IsfpError] = IsfpError) -> str:
    """Return the content of a text file, UTF-8 with or without a byte order mark.

    Args:
        path: the file.
        expected: what it should hold, for the error.
        kind: the type of the error.

    Raises:
        IsfpError: of the type `kind`: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        return read_limited(path, MOST_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 (byte {error.start})"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    raise kind(f"{path} cannot be read: {why}. Expected {expected}.")


def read_json(path: str | Path, expected: str, kind: type[IsfpError] = IsfpError) -> Any:
    """Return the value in a JSON file; arguments and errors as for `read_text`."""
    text = read_text(path, expected, kind)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise kind(f"{path} is not JSON ({error}). Expected {expected}.") from error
