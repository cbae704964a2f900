"""The log of a labelling run: one line of JSON for each picture, written to disk before the next picture."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from isfp.errors import IsfpError
from isfp.files.atomic_file import write_error

NAME = "labels.jsonl"
_FORMAT = {"format": "isfp-labels", "version": 1}
_MAY_DIFFER = "phrases"  # each row says which phrases it answers, so that more can be asked later


class LabelError(IsfpError):
    """The pictures, the phrases or the contents of the output folder cannot be used."""


class Entry(NamedTuple):
    """Where a file's row is, and what it answers."""

    offset: int
    stamp: Any
    phrases: tuple[str, ...]


class Log:
    """Rows by file name; the last row of a file counts.

    An incomplete line left by a killed run is removed. A lock, which ends with its process, keeps two runs from writing to one log.
    """

    def __init__(self, path: Path, stream: IO[bytes], index: dict[str, Entry], lock: Any) -> None:
        self._path, self._stream, self._index, self._lock = path, stream, index, lock

    @classmethod
    def open(cls, folder: Path, header: dict[str, Any]) -> Log:
        """Open a folder's log, or start one.

        Args:
            folder: created if necessary.
            header: JSON values on which all rows depend.

        Raises:
            LabelError: the log has another header or invalid lines, or another run has it open.
        """
        from filelock import FileLock, Timeout

        path = folder / NAME
        lock = FileLock(folder / f".{NAME}.lock")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise LabelError(f"Another run is writing to {folder}. Wait until it ends, or choose another folder.") from error
        except OSError as error:
            raise LabelError(write_error(folder, error)) from error
        try:
            stream = path.open("a+b")
            index = _take_up(path, stream, {**_FORMAT, **header})
        except OSError as error:
            lock.release()
            raise LabelError(write_error(path, error)) from error
        except BaseException:
            lock.release()
            raise
        return cls(path, stream, index, lock)

    def stamp(self, file: str) -> Any:
        """Return the `stamp` of a file's row; None if it has no row or could not be read."""
        entry = self._index.get(file)
        return entry.stamp if entry else None

    def phrases(self, file: str) -> tuple[str, ...]:
        """Return the phrases that a file's row answers."""
        entry = self._index.get(file)
        return entry.phrases if entry else ()

    def append(self, row: dict[str, Any]) -> None:
        """Write a row, `file` and more, to disk.

        Raises:
            LabelError: the disk is full, or fails. The rows before it stay.
        """
        try:
            self._index[row["file"]] = _entry(row, _write(self._stream, row))
        except OSError as error:
            raise LabelError(
                f"{write_error(self._path, error)} What was labelled so far is kept: run the same command again to resume."
            ) from error

    def header(self) -> dict[str, Any]:
        """Return the header."""
        self._stream.seek(0)
        return json.loads(self._stream.readline())

    def rows(self, files: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of these files, in this order."""
        for file in files:
            yield self.row(file)

    def row(self, file: str) -> dict[str, Any]:
        """Return a file's row."""
        self._stream.seek(self._index[file].offset)
        return json.loads(self._stream.readline())

    def close(self) -> None:
        """Close the log and release its lock."""
        try:
            with suppress(OSError):  # each row is on disk already; what a full disk did not take is not a row
                self._stream.close()
        finally:
            self._lock.release()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take_up(path: Path, stream: IO[bytes], header: dict[str, Any]) -> dict[str, Entry]:
    """Read the log, remove an incomplete last line, and write the header if the log is empty."""
    index: dict[str, Entry] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # one tuple for all rows that answer the same phrases
    stream.seek(0)
    end = 0
    for number, line in enumerate(stream, start=1):
        if not line.endswith(b"\n"):
            break
        try:
            row = json.loads(line)
            if number > 1:
                entry = _entry(row, end)
                index[row["file"]] = entry._replace(phrases=shared.setdefault(entry.phrases, entry.phrases))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LabelError(
                f"Line {number} of {path} is not from a log of labels. Choose another folder, or remove the file to start again."
            ) from error
        if number == 1:
            fields = row if isinstance(row, dict) else {}
            differing = [key for key in header if key != _MAY_DIFFER and fields.get(key) != header[key]]
            if differing or set(fields) != set(header):
                raise LabelError(
                    f"{path} is from another task, with a different {', '.join(differing) or 'header'}. Choose another folder, or "
                    "remove the file to start again."
                )
        end += len(line)
    stream.truncate(end)
    if end == 0:
        _write(stream, header)
    return index


def _entry(row: dict[str, Any], offset: int) -> Entry:
    return Entry(offset, row.get("stamp"), tuple(entry["phrase"] for entry in row.get("things", ())))


def _write(stream: IO[bytes], row: dict[str, Any]) -> int:
    """Append a line and wait until it is on disk; return where it begins. A line that was not written whole is cut off."""
    start = stream.seek(0, os.SEEK_END)
    try:
        # ASCII: a file name that is not UTF-8 becomes escapes, which json reads back as the same name
        stream.write(json.dumps(row, allow_nan=False).encode("ascii") + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    except OSError:
        with suppress(OSError):
            stream.truncate(start)
        raise
    return start
