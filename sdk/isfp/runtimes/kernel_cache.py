"""The kernels that TensorRT-RTX compiled for a plan, kept between starts, so that they are compiled once on a machine.

TensorRT-RTX compiles when a shape first runs, and calls what it compiled its runtime cache. It refuses a cache of another version
of itself, of another GPU or of an older driver; then it compiles again, and the new cache takes the old one's place.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Any

from isfp.errors import WriteError
from isfp.files.atomic_file import write_bytes

_log = logging.getLogger("isfp")
_MOST = 1 << 30  # bytes of a file that is read; caches of one engine have some megabytes


class KernelCache:
    """The runtime cache of one execution context, and its file."""

    def __init__(self, config: Any, path: Path) -> None:
        """Give the configuration of a context that is to be made a cache, filled from the file if there is one that fits.

        Args:
            config: TensorRT-RTX's `IRuntimeConfig`; a CUDA context must be current.
            path: the cache's file.
        """
        self._path = path
        self._content = _read(path)
        self._cache = config.create_runtime_cache()
        if self._content and not self._cache.deserialize(self._content):
            _log.info("%s is of another TensorRT-RTX, GPU or driver: kernels are compiled again.", path)
        config.set_runtime_cache(self._cache)

    def save(self) -> None:
        """Write the file if kernels were compiled since it was read; if that fails, the log says so."""
        serialized = self._cache.serialize()
        content = b"" if serialized is None else bytes(serialized)
        if not content or content == self._content:
            return
        try:
            write_bytes(self._path, content)
            self._content = content
        except WriteError as error:
            _log.warning("The kernels that TensorRT-RTX compiled cannot be kept, and the next start compiles them again: %s", error)


def _read(path: Path) -> bytes:
    """Return a cache's content; nothing if there is none, or if others may have written it: kernels are code."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            others = os.name == "posix" and (status.st_uid not in (0, os.geteuid()) or status.st_mode & stat.S_IWOTH)
            if others or not stat.S_ISREG(status.st_mode):
                _log.warning("%s is not read: it must be a file that only this user can write to. Delete it.", path)
                return b""
            return file.read(_MOST)
    except OSError:
        return b""
