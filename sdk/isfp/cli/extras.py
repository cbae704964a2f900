"""What needs an extra: commands of packages above the SDK, found by entry points, and commands of its own that import more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points

from isfp.errors import IsfpError

GROUP = "isfp.commands"


@dataclass(frozen=True)
class Extra:
    """A command that needs an extra: what it does, and the extra's name in `pip install "isfp[...]"`."""

    help: str
    extra: str


EXTRAS = {
    "train": Extra("Train a network from a configuration.", "train"),
    "eval": Extra("Measure a checkpoint or a bundle on scenes that it never saw.", "train"),
    "ablate": Extra("Train and measure the rows of the paper's Table I.", "train"),
    "sheet": Extra("Draw what a model makes of unseen test cases.", "train"),
    "export": Extra("Write a bundle from a checkpoint, and verify it.", "train,export"),
    "verify": Extra("Hold a bundle against the checkpoint that it came from.", "train,export"),
    "build": Extra("Build a bundle's engine for TensorRT or TensorRT-RTX.", "tensorrt,rtx"),
}


class ExtraMissingError(IsfpError):
    """A command was called whose extra is not installed."""


@contextmanager
def asking_for(name: str, extra: str = "") -> Iterator[None]:
    """Turn a module that a command lacks, now or while it runs, into advice on what to install.

    Args:
        name: the command.
        extra: the extra that brings the module; by default that of `EXTRAS`.

    Raises:
        ExtraMissingError: a module was not found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissingError(
            f"isfp {name} cannot find the module {error.name!r}. Install what it needs: {_install(extra or EXTRAS[name].extra)}"
        ) from error


def load(name: str) -> Callable[..., None]:
    """Import a command.

    Raises:
        ExtraMissingError: no package that is installed brings it.
    """
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise ExtraMissingError(f"isfp {name} is not installed. Install what it needs: {_install(EXTRAS[name].extra)}")
    return found[0].load()


def _install(extra: str) -> str:
    return f'pip install "isfp[{extra}]"'
