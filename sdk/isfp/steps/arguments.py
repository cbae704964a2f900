"""Checks of the numbers that callers give, so that a wrong one is an error of its own, and how errors show wrong values."""

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
    text = shortened(ascii(value), _SHOWN, "...")
    return text if isinstance(value, int | float) else f"{text} ({type(value).__name__})"


def shortened(text: str, most: int, mark: str = "…") -> str:
    """Return a text, or its first `most` characters and a mark: files and callers give texts of any length."""
    return text if len(text) <= most else text[:most] + mark
