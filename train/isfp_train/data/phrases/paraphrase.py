"""Other words for the same thing in phrases that people wrote."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

#: Words that stand for each other in a phrase about a picture. Only what nearly always means the same is here.
SAME = (
    ("man", "guy", "dude", "gentleman", "fellow", "gent"),
    ("men", "guys", "dudes"),
    ("woman", "lady"),
    ("women", "ladies"),
    ("kid", "child", "little kid", "youngster"),
    ("kids", "children"),
    ("person", "human", "individual"),
    ("baby", "infant", "toddler"),
    ("couch", "sofa", "settee"),
    ("tv", "television", "tv set", "telly"),
    ("bike", "bicycle"),
    ("motorbike", "motorcycle", "motor bike"),
    ("plane", "airplane", "aeroplane", "jet"),
    ("car", "automobile"),
    ("truck", "lorry"),
    ("fridge", "refrigerator"),
    ("cell phone", "phone", "mobile phone", "cellphone", "smartphone", "mobile"),
    ("laptop", "notebook computer", "laptop computer"),
    ("doggy", "dog", "pup"),
    ("kitty", "cat"),
    ("trash can", "garbage can", "rubbish bin", "waste bin"),
    ("hot dog", "hotdog"),
    ("fire hydrant", "hydrant"),
    ("teddy bear", "teddy", "stuffed bear"),
    ("potted plant", "plant", "pot plant", "houseplant"),
    ("dining table", "table"),
    ("tee", "t-shirt", "tshirt", "t shirt", "tee shirt"),
    ("trousers", "pants"),
    ("sneakers", "trainers", "tennis shoes"),
    ("glasses", "eyeglasses", "spectacles"),
    ("bucket", "pail"),
    ("tin", "can"),
    ("picture", "photo", "image", "pic", "frame"),
    ("grey", "gray"),
    ("blond", "blonde"),
    ("biggest", "largest"),
    ("bigger", "larger"),
    ("smallest", "littlest", "tiniest"),
    ("little", "small"),
    ("big", "large"),
    ("closest", "nearest"),
    ("farthest", "furthest"),
    ("leftmost", "left most", "furthest left", "far left", "farthest left"),
    ("rightmost", "right most", "furthest right", "far right", "farthest right"),
    ("topmost", "top most", "uppermost", "highest"),
    ("middle", "center", "centre"),
    ("centermost", "middle"),
    ("in the middle", "in middle", "in the center", "at the center", "in the centre"),
    ("in the back", "at the back", "in back", "in the background", "in the rear"),
    ("in the front", "in front", "at the front", "in the foreground"),
    ("closest to us", "nearest to us", "closest to the camera", "nearest the camera", "closest to camera", "closest to me"),
    ("next to", "beside", "right next to", "alongside"),
    ("close to", "near", "near to", "nearby"),
    ("underneath", "under", "below", "beneath"),
    ("on top of", "on"),
    ("behind", "in back of"),
    ("first", "1st"),
    ("second", "2nd"),
    ("third", "3rd"),
    ("two", "2"),
    ("three", "3"),
    ("wearing", "dressed in"),
)
#: The same for places, which must not be followed by "of", "hand" and the like.
_BESIDE = "on the {0}|on {0}|at {0}|to the {0}|at the {0}|on the {0} side|on {0} side|in the {0}|at the {0} of the picture"
SIDES = tuple(tuple(_BESIDE.format(side).split("|")) for side in ("left", "right"))
#: Forms that are only ever written, never replaced, since what they stand for depends on the rest.
ONLY_WRITTEN = frozenset(
    """fellow|frame|mobile|jet|human|table|plant|can|on|second|near|below|highest|first|middle|in the left|in the right|in front
    |dog|cat""".replace("\n    ", "").split("|")
)
NO_ARTICLE = ("a ", "an ", "what ", "that ", "this ", "in ", "on ", "at ", "to ", "person's ", "his ", "her ", "their ")
_NOT_AFTER = r"(?! (?:of|hand|side|arm|leg|foot|most|corner|edge|top|bottom|back|front|half|part)\b)"


def paraphrase(text: str, rng: np.random.Generator) -> str:
    """The phrase with some of its words replaced by others of the same meaning, and with or without its first article."""
    found = _pattern().sub(lambda match: _other(match[0], rng), text)
    if rng.random() < 0.5 or found.startswith(NO_ARTICLE):
        return found
    return found.removeprefix("the ") if found.startswith("the ") else "the " + found


def _other(words: str, rng: np.random.Generator) -> str:
    choices = _groups()[words]
    return choices[int(rng.integers(len(choices)))] if rng.random() < 0.5 else words


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    """What may stand for each form."""
    return {form: group for group in (*SAME, *SIDES) for form in group if form not in ONLY_WRITTEN}


@cache
def _pattern() -> re.Pattern[str]:
    sides = {form for group in SIDES for form in group}
    forms = sorted(_groups(), key=len, reverse=True)
    return re.compile("|".join(rf"\b{re.escape(form)}\b{_NOT_AFTER if form in sides else ''}" for form in forms))
