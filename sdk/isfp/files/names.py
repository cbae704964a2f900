"""Names of files as text."""

from __future__ import annotations


def printable(name: str) -> str:
    """Return a name that any UTF-8 output can print: bytes that are not UTF-8, and control characters, become escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)
