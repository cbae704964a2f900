"""A file that is written over a long time, such as a video: complete at its place at the end, or not there."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

from isfp.errors import WriteError
from isfp.files.atomic_file import prepare, put_in_place, write_error
from isfp.files.leftovers import temporary_folder

_RESERVE = 256 << 10  # bytes that must stay free, to finish the file


class PendingFile:
    """A file under a temporary name beside its place, until `finish` or `drop`.

    Attributes:
        path: where it will be.
        new: where it is written; the same suffix in lower case.
    """

    def __init__(self, path: str | Path, kind: type[WriteError] = WriteError) -> None:
        """Make the temporary place.

        Args:
            path: the file.
            kind: the type of the errors raised.

        Raises:
            WriteError: the file cannot be written there, or its name is not UTF-8, which the libraries that write such files need.
        """
        self.path, self._kind = Path(path), kind
        self._open = ExitStack()
        try:
            self._final = prepare(path)
            str(self._final).encode("utf-8")
            folder = self._open.enter_context(temporary_folder(self._final))
        except UnicodeEncodeError:
            raise kind(f"{str(path)!a} cannot be written: the name is not UTF-8. Give another path.") from None
        except (OSError, ValueError) as error:
            raise write_error(path, error, kind) from error
        self.new = folder / f"new{self.path.suffix.lower()}"

    def check_room(self, needed: int = 0) -> None:
        """Check that the disk has space left to finish the file: some writers do not report that it is full.

        Raises:
            WriteError: fewer bytes than a small reserve and `needed` are free.
        """
        free = shutil.disk_usage(self.new.parent).free
        if free < _RESERVE + needed:
            raise self._kind(
                f"{self.path} cannot be written: the disk is full ({free // 1024} KiB are free). Free some space, or give a path "
                "on another disk."
            )

    def error(self, error: Exception) -> WriteError:
        """Say why the file cannot be written."""
        return write_error(self.path, error, self._kind)

    def finish(self) -> None:
        """Give the complete file its name.

        Raises:
            WriteError: it cannot be flushed or renamed.
        """
        try:
            put_in_place(self.new, self._final)
        except OSError as error:
            raise self.error(error) from error
        finally:
            self.drop()

    def drop(self) -> None:
        """Remove what was written, unless it has its name; it may be called more than once."""
        self._open.close()
