"""What the commands print: messages on standard error, JSON on standard output."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

messages = Console(stderr=True)


def print_json(value: Any) -> None:
    """Print one line of JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False))


def plain(text: str) -> str:
    """Escape text so that rich prints it as it is, and what a terminal would obey instead of show as an escape such as \\x1b.

    Line ends and tabs stay.
    """
    from rich.markup import escape

    shown = "".join(letter if letter.isprintable() or letter in "\n\t" else ascii(letter)[1:-1] for letter in text)
    return escape(shown)
