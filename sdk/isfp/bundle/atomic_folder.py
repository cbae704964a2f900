"""Write a folder atomically: whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isfp.errors import IsfpError
from isfp.files.atomic_file import flush, write_error
from isfp.files.leftovers import dead_folders, temporary_folder

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux' renameat2
_OLD = "old"


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder` to write to, flushed to disk and put in its place at the end.

    What stands at `folder` is replaced, and stays as it was where the body or the renaming fails. Where the system can (Linux),
    the two are exchanged in one step. Elsewhere the old one is moved away first; `recover` puts it back if the process was
    killed in between. What dead processes left here is removed.

    Raises:
        WriteError: it cannot be written: the disk is full or read-only, and so on.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover(folder)
        with temporary_folder(folder) as temporary:
            new = temporary / "new"
            new.mkdir()
            yield new
            for file in new.rglob("*"):
                if file.is_file():
                    flush(file)
            flush(new)
            _replace(new, folder, temporary / _OLD)
            flush(folder.parent)
    except OSError as error:
        if isinstance(error, IsfpError):
            raise
        raise write_error(folder, error) from error


def recover(folder: Path) -> bool:
    """Put a folder back that a killed process had moved away to replace it, and return whether there was one.

    Raises:
        OSError: it cannot be renamed.
    """
    if folder.exists():
        return False
    for temporary in dead_folders(folder):
        if (temporary / _OLD).is_dir():
            os.replace(temporary / _OLD, folder)
            return True
    return False


def _replace(new: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        os.replace(new, folder)
    elif not _exchange(new, folder):
        os.replace(folder, old)
        try:
            os.replace(new, folder)
        except BaseException:
            os.replace(old, folder)
            raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; return False where the system or the file system cannot.

    Raises:
        OSError: it can, and failed.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # an older C library
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM):
        return False
    raise OSError(code, os.strerror(code), str(other))
