"""Words for things, people and their looks that a vocabulary keeps although they are rare in GloVe's texts."""

from __future__ import annotations

from pathlib import Path

_FILE = Path(__file__).with_name("object_words.txt")


def object_words() -> set[str]:
    """Names of everyday things, people, animals and plants in American and British English, looks and activities.

    GloVe was made from news and encyclopedias, in which "stapler" is rarer than 12,000 other words, but people ask for one.
    """
    return set(_FILE.read_text(encoding="utf-8").split())
