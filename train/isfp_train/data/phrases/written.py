"""Phrases that people wrote about photos: reading them, and mirroring them with their photo."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isfp.files.read_file import read_text
from isfp.steps.arguments import shown
from isfp.steps.phrase import split_words
from isfp_train.errors import DataFormatError, DataMissingError

#: Words of place and rank. Phrases with one of them are true of the whole photo, but may not be of a part of it.
PLACE_WORDS = frozenset(
    """left right top bottom middle center centre upper lower corner edge front back background foreground far farthest furthest
    leftmost rightmost topmost first second third fourth last end closest nearest behind side topmost lowest highest closer between
    biggest bigger largest larger smallest smaller tallest shortest only other both""".split()
)
_SIDES = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost", "lefthand": "righthand",
          "righthand": "lefthand"}  # fmt: skip
#: "right next to", "right behind": here "right" is not a side.
_EXACTLY = re.compile(r"\bright (?=(next|behind|in|under|above|beside|at|by|near|below|there|here|up|over|between|against)\b)")
#: "right" means "exactly" in "right in front", but is a side in "right in the picture". Ambiguous phrases are not mirrored.
_UNSURE = re.compile(r"\bright (in|at|by|up|over|near)\b|\b(his|her|their|its|left|right) (hand|arm|foot|leg|shoulder)\b")


@dataclass(frozen=True)
class WrittenPhrase:
    """A phrase about a photo.

    Attributes:
        text: the words.
        annotation: id of the annotation that it describes; None if it describes an absent object.
        kind: group in which it is counted, as in `Expression`; None if the file does not say.
    """

    text: str
    annotation: int | None
    kind: str | None = None

    @property
    def of_the_frame(self) -> bool:
        """Whether it depends on the position in the frame or on other objects, so that it may not hold for a part of the photo."""
        return not PLACE_WORDS.isdisjoint(split_words(self.text))

    def mirrored(self) -> WrittenPhrase | None:
        """The phrase for the mirrored photo; None if it is unclear whether "right" is a side."""
        turned = mirrored_text(self.text)
        return None if turned is None else replace(self, text=turned)


def mirrored_text(text: str) -> str | None:
    """The words of a phrase for the mirrored picture; None if it is unclear whether "right" is a side."""
    if _UNSURE.search(text):
        return None
    kept = _EXACTLY.sub("right\0 ", text)
    turned = re.sub(r"[a-z]+\0?", lambda word: _SIDES.get(word[0], word[0]), kept)
    return turned.replace("\0", "")


def read_written(paths: Iterable[Path], default_source: str = "") -> Mapping[tuple[str, int], tuple[WrittenPhrase, ...]]:
    """Read files of phrases.

    A file is a JSON list, or has a JSON object per line, with `image_id`, `ann_id` (null for absent objects), `sent`, `source` if
    the file is about several folders of photos, and optionally `kind`.

    Returns:
        The phrases of each photo, by source and image id.

    Raises:
        DataMissingError: a file does not exist.
        DataFormatError: a file holds something else; the message names the phrase.
    """
    found: dict[tuple[str, int], list[WrittenPhrase]] = {}
    for path in paths:
        if not path.is_file():
            raise DataMissingError(f"There are no phrases at {path}.")
        for number, row in enumerate(_rows(path), start=1):
            if fault := _fault(row):
                raise DataFormatError(f"{path}, phrase {number}: {fault}. Correct the file or fetch it again.")
            key = (row.get("source", default_source), int(row["image_id"]))
            phrase = WrittenPhrase(row["sent"].lower(), row["ann_id"], row.get("kind"))
            if split_words(phrase.text) and phrase not in found.setdefault(key, []):
                found[key].append(phrase)
    return {key: tuple(phrases) for key, phrases in found.items()}


def _rows(path: Path) -> list[Any]:
    """The entries of a file: one JSON list, or one JSON value a line."""
    content = read_text(path, "phrases as JSON, UTF-8", DataFormatError)
    try:
        if content.lstrip().startswith("["):
            return json.loads(content)
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise DataFormatError(f"{path} is not JSON ({error}); expected a list of phrases, or one on each line.") from error


def _fault(row: Any) -> str:
    """Say what is wrong with an entry; nothing if nothing is."""
    if not isinstance(row, dict):
        return f"it is {shown(row)}; expected an object with image_id, ann_id and sent"
    if not isinstance(row.get("sent"), str):
        return f"sent is {shown(row.get('sent'))}; expected text"
    if not isinstance(row.get("source", ""), str):
        return f"source is {shown(row['source'])}; expected text"
    image, annotation = row.get("image_id"), row.get("ann_id")
    if isinstance(image, bool) or not (isinstance(image, int) or (isinstance(image, str) and image.isdecimal())):
        return f"image_id is {shown(image)}; expected a whole number"
    if "ann_id" not in row or isinstance(annotation, bool) or not isinstance(annotation, int | None):
        return f"ann_id is {shown(annotation)}; expected a whole number, or null for what is absent"
    return ""
