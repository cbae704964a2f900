"""Phrases that people wrote about photos: read from files, and turned with the photo that they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from isfp.steps.phrase import split_words
from isfp_train.errors import DataMissingError

#: Words that say where in the frame something stands: such a phrase holds for the whole photo, not for a part of it.
PLACE_WORDS = frozenset(
    """left right top bottom middle center centre upper lower corner edge front back background foreground far farthest furthest
    leftmost rightmost topmost first second third fourth last end closest nearest behind side topmost lowest highest closer between
    biggest bigger largest larger smallest smaller tallest shortest only other both""".split()
)
_SIDES = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost", "lefthand": "righthand",
          "righthand": "lefthand"}  # fmt: skip
#: "right next to", "right behind": not a side.
_EXACTLY = re.compile(r"\bright (?=(next|behind|in|under|above|beside|at|by|near|below|there|here|up|over|between|against)\b)")
#: "right in front" is exact, "the man right of the car" and "right in the picture" are sides: what cannot be told is not turned.
_UNSURE = re.compile(r"\bright (in|at|by|up|over|near)\b|\b(his|her|their|its|left|right) (hand|arm|foot|leg|shoulder)\b")


@dataclass(frozen=True)
class WrittenPhrase:
    """A phrase about a photo.

    Attributes:
        text: the words.
        annotation: id of the annotation that it means; None: it names something that is not there.
    """

    text: str
    annotation: int | None

    @property
    def of_the_frame(self) -> bool:
        """Whether it rests on a place in the frame or on what else is there, so that a part of the photo may not do."""
        return not PLACE_WORDS.isdisjoint(split_words(self.text))

    def mirrored(self) -> WrittenPhrase | None:
        """The phrase for the mirrored photo; None where it cannot be told whether a "right" is a side."""
        if _UNSURE.search(self.text):
            return None
        kept = _EXACTLY.sub("right\0 ", self.text)
        turned = re.sub(r"[a-z]+\0?", lambda word: _SIDES.get(word[0], word[0]), kept)
        return WrittenPhrase(turned.replace("\0", ""), self.annotation)


def read_written(paths: Iterable[Path], default_source: str = "") -> Mapping[tuple[str, int], tuple[WrittenPhrase, ...]]:
    """Read files of phrases: JSON lists, or a JSON object a line, of ``image_id``, ``ann_id`` (null: not there), ``sent`` and,
    where a file is about several folders of photos, ``source``.

    Returns:
        The phrases of each photo, by source and image id.

    Raises:
        DataMissingError: there is no such file.
    """
    found: dict[tuple[str, int], list[WrittenPhrase]] = {}
    for path in paths:
        if not path.is_file():
            raise DataMissingError(f"There are no phrases at {path}.")
        content = path.read_text(encoding="utf-8")
        rows = (
            json.loads(content) if content.lstrip().startswith("[") else [json.loads(line) for line in content.splitlines() if line]
        )
        for row in rows:
            key = (row.get("source", default_source), int(row["image_id"]))
            phrase = WrittenPhrase(row["sent"].lower(), row["ann_id"])
            if split_words(phrase.text) and phrase not in found.setdefault(key, []):
                found[key].append(phrase)
    return {key: tuple(phrases) for key, phrases in found.items()}
