"""What the commands print: messages on standard error, JSON on standard output."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from rich.console import Console

from isfp.files.json_text import json_text

_NARROWEST = 40  # characters: rich prints nothing at all at a width of 0, which some shells and CI runners state


def widen() -> None:
    """Have tables printed in at least 40 columns, also where COLUMNS says that there are fewer; before any `Console` is made."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated) < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)


widen()
messages = Console(stderr=True)


def print_json(value: Any) -> None:
    """Print one line of JSON (see `json_text`) on standard output; ASCII passes through a pipe of any encoding."""
    print(json_text(value), flush=True)


def accept_any_text() -> None:
    """Let both outputs print any text: what their encoding lacks becomes an escape, instead of an error after the work."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def plain(text: str) -> str:
    """Escape text so that rich prints it as it is, and what a terminal would obey instead of show as an escape such as \\x1b.

    Line ends and tabs stay.
    """
    from rich.markup import escape

    shown = "".join(letter if letter.isprintable() or letter in "\n\t" else ascii(letter)[1:-1] for letter in text)
    return escape(shown)
