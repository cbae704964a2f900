"""A finding of `isfp doctor`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        what: what was checked.
        good: whether it is present and usable.
        found: what was found.
        remedy: what to do about it; empty if nothing is needed.
    """

    what: str
    good: bool
    found: str
    remedy: str = ""
