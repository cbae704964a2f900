"""What the doctor says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        good: whether it is there and fit for use.
        found: what was found.
        remedy: what to do about it, empty where nothing is needed.
    """

    what: str
    good: bool
    found: str
    remedy: str = ""
