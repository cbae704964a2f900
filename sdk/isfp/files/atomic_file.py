"""Write a file completely or not at all. Everything that writes a file for the user writes it through here."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isfp.errors import IsfpError, WriteError
from isfp.files.json_text import json_text
from isfp.files.leftovers import temporary_folder

_REMEDIES = {
    errno.ENOSPC: "The disk is full. Free some space, or give a path on another disk.",
    getattr(errno, "EDQUOT", -1): "The disk quota is used up. Free some space, or give a path on another disk.",
    errno.EROFS: "The file system is read-only. Give another path.",
    errno.ENAMETOOLONG: "The name is too long. Give a shorter one.",
}


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with the same suffix, to write to.

    At the end the file is flushed to disk and renamed to `path`. If the body or the renaming fails, an existing file stays as it
    was. A link is followed, so that the file that it points to is replaced.

    Raises:
        WriteError: the file cannot be written: the disk is full or read-only, the path is a folder, and so on.
    """
    try:
        final = prepare(path)
        with temporary_folder(final) as folder:
            new = folder / f"new{final.suffix}"
            yield new
            put_in_place(new, final)
    except (OSError, ValueError) as error:
        if isinstance(error, IsfpError):
            raise
        raise write_error(path, error) from error


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file, and read it back before it gets its name.

    Raises:
        WriteError: as for `atomic_file`, or other bytes were read back.
    """
    with atomic_file(path) as new:
        new.write_bytes(content)
        if new.read_bytes() != content:
            raise WriteError(f"{path} cannot be written: the disk returned other bytes than were written to it. Check the disk.")


def write_json(path: str | Path, value: Any, indent: int | None = None) -> None:
    """Write a value as JSON (see `json_text`); the bytes of file names that are not UTF-8 are kept as escapes.

    Raises:
        WriteError: as for `write_bytes`.
    """
    write_bytes(path, json_text(value, indent).encode("ascii"))


def refuse_input(out: str | Path, *inputs: str | Path | None) -> None:
    """Check that an output is not one of its own inputs.

    Args:
        out: the file to write, or a folder that is replaced as a whole.
        inputs: files and folders that are read; None and what does not exist are skipped.

    Raises:
        WriteError: `out` is one of them, by the same or another name, or a folder with one of them in it.
    """
    for path in inputs:
        try:
            lost = path is not None and (
                os.path.samefile(out, path) or Path(os.path.realpath(out)) in Path(os.path.realpath(path)).parents
            )
        except (OSError, ValueError):
            lost = False
        if lost:
            raise WriteError(
                f"{out} is an input of this command, or holds one, and would be overwritten. Give another path to write to."
            )


def prepare(path: str | Path) -> Path:
    """Return the file that `path` means, with its links resolved; make its folder if needed.

    Raises:
        OSError: the folder cannot be made, or what is there cannot be replaced.
    """
    final = Path(os.path.realpath(path))
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if final.exists() and not final.is_file():
        raise OSError(errno.EINVAL, "It is not a regular file", str(path))
    if final.exists() and not os.access(final, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is write-protected", str(path))
    return final


def put_in_place(new: Path, final: Path) -> None:
    """Flush a complete file to disk and give it its final name.

    Raises:
        OSError: it cannot be flushed or renamed.
    """
    if final.exists():
        shutil.copymode(final, new)
    flush(new)
    os.replace(new, final)
    flush(final.parent)


def write_error(path: str | Path, error: Exception, kind: type[WriteError] = WriteError) -> WriteError:
    """Say why a file cannot be written, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    why = (error.strerror if isinstance(error, OSError) else "") or str(error)
    return kind(f"{path} cannot be written: {_REMEDIES.get(number or 0) or f'{why}. Give another path.'}")


def flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to disk."""
    if path.is_dir() and os.name != "posix":
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError:
        if not path.is_dir():  # some file systems cannot flush a folder
            raise
    finally:
        os.close(number)
