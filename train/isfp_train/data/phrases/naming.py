"""Phrases that only name objects: a name refers to all objects that have it, or to none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isfp_train.data.phrases.geometry import MAYBE, YES, called
from isfp_train.data.phrases.wording import plural
from isfp_train.data.scene import ANYTHING, Expression, SceneObject

_FRAMES = (
    "{n}",
    "{n}",
    "{n}",
    "the {n}",
    "the {n}",
    "a {n}",
    "any {n}",
    "{n} please",
    "find the {n}",
    "pick up the {n}",
    "that {n}",
)
_SEVERAL = ("all {n}", "the {n}", "all the {n}", "both {n}", "every one of the {n}", "{n}")


def name_phrases(
    objects: Sequence[SceneObject], absent: Sequence[str], rng: np.random.Generator, count: int, absent_share: float
) -> list[Expression]:
    """Up to `count` phrases that name present objects (one of them is the target, the others are in `also`) or absent ones.

    Args:
        objects: all objects of the scene.
        absent: names of objects that are certainly absent.
        rng: chooses names and words.
        count: maximum number of phrases.
        absent_share: share of phrases for absent objects.
    """
    nameable = [i for i, obj in enumerate(objects) if obj.nameable]
    found: list[Expression] = []
    for _ in range(count):
        if absent and (not nameable or rng.random() < absent_share):
            name = absent[int(rng.integers(len(absent)))]
            if any(called(name, obj) for obj in objects):
                continue
            found.append(Expression(_said(name, 1, rng), None, "absent"))
        elif nameable:
            obj = objects[nameable[int(rng.integers(len(nameable)))]]
            names = [name for name in obj.names if name != ANYTHING]
            name = names[0] if rng.random() < 0.5 else names[int(rng.integers(len(names)))]
            verdicts = [called(name, other) for other in objects]
            fitting = [i for i in nameable if verdicts[i] == YES]
            doubtful = sum(verdict == MAYBE for verdict in verdicts)
            if not fitting or doubtful:
                continue
            chosen = fitting[int(rng.integers(len(fitting)))]
            others = tuple(i for i in fitting if i != chosen)
            found.append(Expression(_said(name, len(fitting), rng), chosen, "name", also=others))
    return found


def _said(name: str, count: int, rng: np.random.Generator) -> str:
    if count > 1 and rng.random() < 0.35:
        frames = _SEVERAL if count == 2 else [frame for frame in _SEVERAL if not frame.startswith("both")]
        return frames[int(rng.integers(len(frames)))].format(n=plural(name))
    return _FRAMES[int(rng.integers(len(_FRAMES)))].format(n=name)
