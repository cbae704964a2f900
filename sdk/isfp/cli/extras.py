"""Commands that need an extra: those of packages above the SDK, found by entry point, and the SDK's own with more imports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points

from isfp.errors import IsfpError

GROUP = "isfp.commands"
USE, TRAIN, SHIP = "Use", "Train", "Ship"  # the groups of `isfp --help`


@dataclass(frozen=True)
class Extra:
    """A command that needs an extra.

    Attributes:
        help: what it does.
        panel: its group in `isfp --help`.
        extra: the extra's name, as in `pip install "isfp[...]"`.
    """

    help: str
    panel: str
    extra: str


EXTRAS = {
    "train": Extra("Train a network from a configuration file.", TRAIN, "train"),
    "eval": Extra("Measure a checkpoint or a bundle on data held out from training.", TRAIN, "train"),
    "sheet": Extra("Draw a model's answers to held-out test cases.", TRAIN, "train"),
    "ablate": Extra("Train and measure the rows of the paper's Table I.", TRAIN, "train"),
    "export": Extra("Export a checkpoint as a bundle, and verify it.", SHIP, "train,export"),
    "verify": Extra("Compare a bundle with its checkpoint, or a precision with FP32.", SHIP, "train,export"),
    "build": Extra("Build a bundle's engine: TensorRT, TensorRT-RTX, or OpenVINO in INT8.", SHIP, "tensorrt,rtx"),
}


class ExtraMissingError(IsfpError):
    """A command needs an extra that is not installed."""


@contextmanager
def asking_for(name: str, extra: str = "") -> Iterator[None]:
    """Turn the error about a missing module into advice on what to install.

    Args:
        name: the command.
        extra: the extra that brings the module; by default the one in `EXTRAS`.

    Raises:
        ExtraMissingError: a module was not found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissingError(
            f"isfp {name} needs the module {error.name!r}, which is not installed. Install it: "
            f"{_install(extra or EXTRAS[name].extra)}"
        ) from error


def load(name: str) -> Callable[..., None]:
    """Import a command.

    Raises:
        ExtraMissingError: no installed package provides it.
    """
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise ExtraMissingError(f"isfp {name} is not installed. Install it: {_install(EXTRAS[name].extra)}")
    return found[0].load()


def _install(extra: str) -> str:
    return f'pip install "isfp[{extra}]"'
