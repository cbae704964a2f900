"""Checkpoint files: written to a temporary file and renamed, and verified byte by byte when they are read."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.checkpoint_io import CheckpointIO

from isfp.errors import WriteError
from isfp.files.atomic_file import atomic_file, flush
from isfp_train.errors import CheckpointError, DataMissingError

LAST, PREVIOUS = "last.ckpt", "previous.ckpt"
_CHUNK = 1 << 20  # bytes read at once


def read(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint's content: plain values and tensors, on the CPU.

    A checkpoint is a ZIP archive, whose entries have checksums. PyTorch does not verify all of them, so this function does.

    Raises:
        DataMissingError: the file does not exist.
        CheckpointError: the file was cut short or changed, or is not a checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise DataMissingError(f"There is no checkpoint at {path}. Runs write theirs to <run>/checkpoints/{LAST}.")
    if reason := _damage(path):
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {reason}. Use another one, or train again.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        # PyTorch's message recommends weights_only=False, which would run any code in the file.
        unsafe = "weights_only" in str(error)
        reason = "it holds objects other than tensors and plain values" if unsafe else _first_line(error)
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {reason}. Use one that `isfp train` wrote.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} contains a {type(content).__name__}; expected a checkpoint that `isfp train` wrote.")
    return content


def write(content: dict[str, Any], path: str | Path, previous: Path | None = None) -> None:
    """Write a checkpoint completely or not at all, as `atomic_file` does; its checksums are read back before it gets its name.

    Args:
        content: plain values and tensors.
        path: the file.
        previous: path to which an existing file at `path` is moved, if it can be read.

    Raises:
        WriteError: the disk is full, or the folder cannot be written to. What stood there stays.
    """
    path = Path(path)
    with atomic_file(path) as new:
        with new.open("wb") as file:
            torch.save(content, file)
        flush(new)  # before the one that stands there is moved
        if reason := _damage(new):
            raise WriteError(f"{path} cannot be written: {reason} as it was read back. Check the disk.")
        if previous is not None and path.is_file() and not _damage(path):
            kept = new.with_name("kept")
            try:
                os.link(path, kept)  # so that there is never a moment without a checkpoint
                os.replace(kept, previous)
            except OSError:  # no hard links here
                os.replace(path, previous)


def newest_sound(folder: Path) -> tuple[Path | None, list[str]]:
    """Return the checkpoint to resume from, and why newer ones cannot be used.

    Args:
        folder: a run's `checkpoints/`.

    Returns:
        `last.ckpt`, or `previous.ckpt` if that cannot be read; None if there is neither.

    Raises:
        CheckpointError: there are checkpoints, and none can be read.
    """
    reasons = []
    for name in (LAST, PREVIOUS):
        if (folder / name).exists():
            try:
                read(folder / name)
            except CheckpointError as error:
                reasons.append(str(error))
            else:
                return folder / name, reasons
    if reasons:
        raise CheckpointError(f"No checkpoint in {folder} can be read, so the run cannot be resumed. {' '.join(reasons)}")
    return None, []


class RunCheckpoints(CheckpointIO):
    """Lightning's access to checkpoints of a run. The previous `last.ckpt` is kept as `previous.ckpt`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Write a checkpoint as `write` does."""
        path = Path(path)
        write(checkpoint, path, path.with_name(PREVIOUS) if path.name == LAST else None)

    def load_checkpoint(
        self, path: str | Path, map_location: Callable | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint as `read` does, which only accepts plain values and tensors."""
        return read(path)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint, if it exists."""
        with suppress(FileNotFoundError):
            Path(path).unlink()


def _damage(path: Path) -> str:
    """Describe the damage of a checkpoint; None if all checksums are right."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.compress_type != zipfile.ZIP_STORED:
                    return f"its entry {entry.filename!r} is compressed, which PyTorch never does"
                with archive.open(entry) as content:
                    while content.read(_CHUNK):
                        pass
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        return f"it was cut short, changed, or is not a checkpoint ({_first_line(error)})"
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
