"""The log of a labelling run: one JSON line a picture, on disk before the next one is begun."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from isfp.errors import IsfpError

NAME = "labels.jsonl"
_FORMAT = {"format": "isfp-labels", "version": 1}


class LabelError(IsfpError):
    """The pictures, the phrases or what stands in the output folder cannot be worked with."""


class Log:
    """Rows by file name; the last row of a file counts.

    A line that a killed run left unfinished is cut off. A lock that ends with its process keeps two runs apart.
    """

    def __init__(self, path: Path, stream: IO[bytes], offsets: dict[str, int], stamps: dict[str, Any], lock: Any) -> None:
        self._path, self._stream, self._offsets, self._stamps, self._lock = path, stream, offsets, stamps, lock

    @classmethod
    def open(cls, folder: Path, header: dict[str, Any]) -> Log:
        """Open a folder's log, or begin one.

        Args:
            folder: made if need be.
            header: JSON values that say what the rows are of; the same for all of them.

        Raises:
            LabelError: the log there has another header or lines that are none of its own, or another run has it open.
        """
        from filelock import FileLock, Timeout

        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LabelError(f"The folder {folder} cannot be made: {error.strerror}. Give another one.") from error
        path = folder / NAME
        lock = FileLock(folder / f".{NAME}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise LabelError(f"Another run is writing to {folder}. Wait until it ends, or give another folder.") from error
        try:
            stream = path.open("a+b")
            offsets, stamps = _take_up(path, stream, {**_FORMAT, **header})
        except BaseException:
            lock.release()
            raise
        return cls(path, stream, offsets, stamps, lock)

    def stamp(self, file: str) -> Any:
        """Return the `stamp` in a file's row; None where it has none, or was not readable."""
        return self._stamps.get(file)

    def append(self, row: dict[str, Any]) -> None:
        """Write a row, `file` and more, to disk."""
        self._offsets[row["file"]] = _write(self._stream, row)
        self._stamps[row["file"]] = row.get("stamp")

    def header(self) -> dict[str, Any]:
        """Return the header."""
        self._stream.seek(0)
        return json.loads(self._stream.readline())

    def rows(self, files: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of these files, in this order."""
        for file in files:
            self._stream.seek(self._offsets[file])
            yield json.loads(self._stream.readline())

    def close(self) -> None:
        """Let go of the log."""
        self._stream.close()
        self._lock.release()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take_up(path: Path, stream: IO[bytes], header: dict[str, Any]) -> tuple[dict[str, int], dict[str, Any]]:
    """Read what is there, cut off an unfinished line, and write the header where nothing is."""
    offsets: dict[str, int] = {}
    stamps: dict[str, Any] = {}
    stream.seek(0)
    end = 0
    for number, line in enumerate(stream, start=1):
        if not line.endswith(b"\n"):
            break
        try:
            row = json.loads(line)
            file = row["file"] if number > 1 else ""
        except (ValueError, TypeError, KeyError) as error:
            raise LabelError(
                f"Line {number} of {path} is no line of a log of labels. Give another folder, or remove the file to begin anew."
            ) from error
        if number == 1 and row != header:
            differing = [key for key in header if not isinstance(row, dict) or row.get(key) != header[key]]
            raise LabelError(
                f"{path} is of another task: it differs in {', '.join(differing) or 'its fields'}. Give another folder, or remove "
                "the file to begin anew."
            )
        if number > 1:
            offsets[file], stamps[file] = end, row.get("stamp")
        end += len(line)
    stream.truncate(end)
    if end == 0:
        _write(stream, header)
    return offsets, stamps


def _write(stream: IO[bytes], row: dict[str, Any]) -> int:
    """Append a line and wait until it is on disk; return where it begins."""
    start = stream.seek(0, os.SEEK_END)
    stream.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")
    stream.flush()
    os.fsync(stream.fileno())
    return start
