"""Scenes: a picture, and exact masks of the objects that phrases can describe."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np

Made = Literal["all", "present", "names", "none"]

#: Last name of objects in scenes in which nothing else could be called an object.
ANYTHING = "object"


@dataclass(frozen=True)
class SceneObject:
    """One object of a scene, measured on its visible part.

    Attributes:
        names: what people call it, most common name first, in lower case: `("mug", "cup")`. All names that a person could use
            belong here, also general ones (a taxi is also a "car"): a name is unique only if no other object has it. `ANYTHING` as
            the last name means that nothing else in the scene could be called an object.
        kind: category; two objects of one kind are distractors of each other.
        colour: basic colour word; None if it is unknown or mixed.
        box: `x0, y0, x1, y1` of the visible mask in pixels; x1 and y1 are exclusive.
        centre: `x, y` of the gravity centre of the visible mask, in pixels.
        area: number of visible pixels.
        nameable: False if it only counts as a distractor and is never a target or an anchor.
        mask: the visible part, bool `[H,W]`; None if it is stored elsewhere.
    """

    names: tuple[str, ...]
    kind: str
    colour: str | None
    box: tuple[float, float, float, float]
    centre: tuple[float, float]
    area: float
    nameable: bool
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Expression:
    """A phrase about a scene, and the object that it describes.

    Attributes:
        text: the words.
        target: index of the object; None if the phrase describes an absent object.
        kind: group in which it is counted: "expression" or "absent" for phrases that people wrote, unless their file has a `kind`.
        also: other objects that it fits as well as its target, such as "mug" in a picture of three mugs.
    """

    text: str
    target: int | None
    kind: str
    also: tuple[int, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Scene:
    """A picture and its objects.

    Attributes:
        image: uint8 `[H,W,3]`, RGB.
        objects: their masks are disjoint in composed scenes; photos keep the overlaps of their annotations.
        source: `"composed"`, `"photo"`, `"people"` or `"procedural"`, or the name of a data set.
        expressions: phrases that people wrote about it (RefCOCO and others), or as people write them (`"people"`); empty if phrases
            are only generated.
        made: which phrases may be generated in addition: "all"; "present" if objects without annotations may be present; "names" if
            some objects of an annotated kind may have no annotation, so nothing can be compared; "none".
        absent: names of objects that are certainly absent, in addition to those that the geometry excludes.
    """

    image: np.ndarray
    objects: tuple[SceneObject, ...]
    source: str
    expressions: tuple[Expression, ...] = ()
    made: Made = "all"
    absent: tuple[str, ...] = ()


class SceneSource(Protocol):
    """A source that generates scenes from seeds."""

    def scene(self, seed: int) -> Scene:
        """The scene of this seed, which is the same in every call and every process."""
        ...


def measure(mask: np.ndarray, names: tuple[str, ...], kind: str, colour: str | None = None, nameable: bool = True) -> SceneObject:
    """The object whose visible part is `mask`, bool `[H,W]`.

    Raises:
        ValueError: the mask is empty.
    """
    columns = mask.sum(axis=0, dtype=np.int64)
    rows = mask.sum(axis=1, dtype=np.int64)
    area = int(columns.sum())
    if area == 0:
        raise ValueError(f"The mask of the object named {names} is empty. Leave hidden objects out of the scene.")
    xs, ys = np.flatnonzero(columns), np.flatnonzero(rows)
    centre = (
        float((columns * np.arange(len(columns))).sum() / area + 0.5),
        float((rows * np.arange(len(rows))).sum() / area + 0.5),
    )
    box = (float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))
    return SceneObject(names, kind, colour, box, centre, float(area), nameable, mask)


def without_anything(obj: SceneObject) -> SceneObject:
    """The object without the name `ANYTHING`."""
    return replace(obj, names=tuple(name for name in obj.names if name != ANYTHING))


def held_out(key: str, share: float) -> bool:
    """Whether the hash of `key` falls into the first `share` (0 to 1). The result is the same on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") < share * 2**64


def in_split(key: str, share: float, split: str) -> bool:
    """Whether `key` belongs to `split` ("train", "held_out" or "all") when `share` of all keys are held out.

    Raises:
        ValueError: `split` is not one of the three.
    """
    if split not in ("train", "held_out", "all"):
        raise ValueError(f'split is {split!r}; expected "train", "held_out" or "all".')
    return split == "all" or held_out(key, share) == (split == "held_out")


def scene_rng(source: str, seed: int) -> np.random.Generator:
    """The random numbers of one scene; they differ between sources for the same seed."""
    key = int.from_bytes(hashlib.sha256(source.encode("utf-8", "surrogatepass")).digest()[:4], "big")
    return np.random.default_rng((key, seed))
