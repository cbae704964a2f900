"""Checks of the numbers that callers give, so that a wrong one is an error of its own before any work is done."""

from __future__ import annotations

import operator
from typing import Any

from isfp.errors import IsfpError

#: The most threads that may be asked for; a process that starts 100,000 of them hangs, and may take the machine with it.
MOST_THREADS = 1024
_SHOWN = 60  # characters of a wrong value


def number_between(what: str, value: Any, least: float, most: float, expected: str) -> float:
    """Return a number from `least` to `most`.

    Args:
        what: names it in the error.
        value: what the caller gave: a number of Python or NumPy.
        least: the smallest that is taken.
        most: the largest that is taken.
        expected: says in the error what is taken.

    Raises:
        IsfpError: it is no number, or is out of range.
    """
    try:
        number = float("nan") if isinstance(value, str | bytes | bytearray) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not least <= number <= most:
        raise IsfpError(f"{what} is {shown(value)}; expected {expected}.")
    return number


def whole_number(what: str, value: Any, least: int, most: int | None = None) -> int:
    """Return a whole number from `least` to `most`, or without an upper limit.

    Raises:
        IsfpError: it is no whole number, or is out of range.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        span = f"{least} or more" if most is None else f"from {least} to {most}"
        raise IsfpError(f"{what} is {shown(value)}; expected a whole number, {span}.")
    return number


def shown(value: Any) -> str:
    """A wrong value as an error shows it: with its type, unless it is a plain number, and not longer than a line."""
    text = ascii(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return text if isinstance(value, int | float) else f"{text} ({type(value).__name__})"
