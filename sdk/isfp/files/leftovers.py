"""Temporary folders that show whether their process is still alive, so that those of dead processes can be removed.

Each is locked (flock). The system releases the lock when the process ends, however it ends. On systems and file systems without
such locks, leftovers are kept.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_NAME_LIMIT = 60  # bytes of the final name that a temporary name repeats; a name may have 255
_BUSY = -1


@contextmanager
def temporary_folder(final: Path) -> Iterator[Path]:
    """Yield a new hidden folder beside `final`, removed at the end; first remove what dead processes left there.

    Its name starts with a dot, which readers of bundles, engines and pictures ignore.

    Raises:
        OSError: the folder cannot be made.
    """
    prefix = _prefix(final)
    remove_leftovers(final)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=final.parent))
        lock = _lock(folder)
        if lock != _BUSY and folder.exists():  # else another process took it for a leftover before it was locked
            break
        _unlock(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _unlock(lock)


def remove_leftovers(final: Path) -> list[Path]:
    """Remove the temporary folders that dead processes left beside `final`, and return them."""
    removed = []
    for folder in dead_folders(final):
        shutil.rmtree(folder, ignore_errors=True)
        removed.append(folder)
    return removed


def dead_folders(final: Path) -> Iterator[Path]:
    """Yield the temporary folders that dead processes left beside `final`; each stays locked until the next one is asked for."""
    prefix = _prefix(final)
    try:
        found = [path for path in final.parent.iterdir() if path.name.startswith(prefix) and len(path.name) == len(prefix) + 8]
    except OSError:
        return
    for path in found:
        if path.is_symlink() or not path.is_dir():
            continue
        lock = _lock(path)
        if lock is not None and lock != _BUSY:
            try:
                yield path
            finally:
                _unlock(lock)


def _prefix(final: Path) -> str:
    """Return how the names of the temporary folders of `final` start; `mkdtemp` adds eight letters."""
    short = final.name.encode("utf-8", "surrogateescape")[:_NAME_LIMIT].decode("utf-8", "ignore")
    return f".{short}.tmp-"


def _lock(folder: Path) -> int | None:
    """Lock a folder and return the lock; `_BUSY` if another process has it, None if there are no locks here."""
    if fcntl is None:
        return None
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return _BUSY  # it is gone
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(number)
        return _BUSY if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return number


def _unlock(lock: int | None) -> None:
    if lock is not None and lock != _BUSY:
        with suppress(OSError):
            os.close(lock)
