"""Temporary files and folders that say whether their process still lives, so that those of dead ones can be removed.

Each holds a lock (flock), which the system gives up when its process ends, however it ends. Systems and file systems without
such locks keep their leftovers.
"""

from __future__ import annotations

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

_NAME_MOST = 60  # bytes of the final name that a temporary one repeats: names end at 255


@contextmanager
def temporary_folder(final: Path) -> Iterator[Path]:
    """Yield a new hidden folder beside `final`, removed at the end; first remove what dead processes left there.

    Its name begins with a dot, which readers of bundles and engines leave out.
    """
    prefix = _prefix(final)
    remove_leftovers(final)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=final.parent))
        lock = _locked(folder)
        if folder.exists():  # else another process took it for a leftover before it was locked
            break
        _unlock(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _unlock(lock)


def remove_leftovers(final: Path) -> list[Path]:
    """Remove the temporary folders that dead processes left beside `final`, and return which were removed."""
    removed = []
    for folder in dead_folders(final):
        shutil.rmtree(folder, ignore_errors=True)
        removed.append(folder)
    return removed


def dead_folders(final: Path) -> Iterator[Path]:
    """Yield the temporary folders that dead processes left beside `final`; each is locked while it is looked at."""
    prefix = _prefix(final)
    try:
        found = [path for path in final.parent.iterdir() if path.name.startswith(prefix) and len(path.name) == len(prefix) + 8]
    except OSError:
        return
    for path in found:
        if path.is_dir() and not path.is_symlink() and (lock := _locked(path)) is not None:
            try:
                yield path
            finally:
                _unlock(lock)


def _prefix(final: Path) -> str:
    """How the names of the temporary folders of `final` begin; `mkdtemp` adds eight letters."""
    short = final.name.encode("utf-8", "surrogateescape")[:_NAME_MOST].decode("utf-8", "ignore")
    return f".{short}.tmp-"


def _locked(folder: Path) -> int | None:
    """Lock a folder and return the lock; None if another process holds it, or there are no locks here."""
    if fcntl is None:
        return None
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        return None
    return number


def _unlock(lock: int | None) -> None:
    if lock is not None:
        with suppress(OSError):
            os.close(lock)
