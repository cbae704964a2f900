"""What a scene is: a picture and the exact masks of the objects that phrases can be about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np

Made = Literal["all", "present", "names", "none"]

#: A last name of objects in scenes that show nothing else which could be called an object.
ANYTHING = "object"


@dataclass(frozen=True)
class SceneObject:
    """One object of a scene, measured on its visible part.

    Attributes:
        names: what people call it, best first, lower case: ``("mug", "cup")``. Every name that a person could use for
            it belongs here, wide ones too (a taxi is also a "car"): a name is unique only where no other object has it.
            :data:`ANYTHING` as last name says that the scene shows nothing else that one could call an object.
        kind: same-category key: two objects of one kind are distractors of each other.
        colour: basic colour word, None when unknown or mixed.
        box: ``x0, y0, x1, y1`` of the visible mask in pixels, x1 and y1 exclusive.
        centre: ``x, y`` gravity centre of the visible mask, in pixels.
        area: visible pixels.
        nameable: False: counts as a distractor, but is never a target or an anchor.
        mask: bool ``[H,W]``, the visible part; None once it is stored elsewhere.
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
    """A phrase about a scene, and the object it means.

    Attributes:
        text: the words.
        target: index of the object; None: the phrase names something that is not there.
        kind: the group that it is counted in: "expression" or "absent" where a person wrote it.
        also: other objects that it fits as well as its target: "mug" on a picture with three of them.
    """

    text: str
    target: int | None
    kind: str
    also: tuple[int, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Scene:
    """A picture and its objects.

    Attributes:
        image: uint8 ``[H,W,3]``, RGB.
        objects: disjoint in their masks where the source is composed; photos keep their annotators' overlaps.
        source: ``"composed"``, ``"photo"`` or ``"procedural"``, or the dataset's name.
        expressions: what people wrote about it (RefCOCO and its kin); empty where phrases are made from the geometry alone.
        made: which phrases may be made beside those that people wrote: "all"; "present", where what has no annotation may be
            there all the same; "names", where not every object of an annotated kind has one, so nothing can be compared; "none".
        absent: names of what is surely not there, beside what the geometry says.
    """

    image: np.ndarray
    objects: tuple[SceneObject, ...]
    source: str
    expressions: tuple[Expression, ...] = ()
    made: Made = "all"
    absent: tuple[str, ...] = ()


class SceneSource(Protocol):
    """Anything that makes scenes from seeds."""

    def scene(self, seed: int) -> Scene:
        """The scene of this seed: the same on every call and in every process."""
        ...


def measure(mask: np.ndarray, names: tuple[str, ...], kind: str, colour: str | None = None, nameable: bool = True) -> SceneObject:
    """The object whose visible part is ``mask``, bool ``[H,W]``.

    Raises:
        ValueError: the mask is empty.
    """
    columns = mask.sum(axis=0, dtype=np.int64)
    rows = mask.sum(axis=1, dtype=np.int64)
    area = int(columns.sum())
    if area == 0:
        raise ValueError(f"The mask of an object named {names} has no pixel; leave hidden objects out of the scene.")
    xs, ys = np.flatnonzero(columns), np.flatnonzero(rows)
    centre = (
        float((columns * np.arange(len(columns))).sum() / area + 0.5),
        float((rows * np.arange(len(rows))).sum() / area + 0.5),
    )
    box = (float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))
    return SceneObject(names, kind, colour, box, centre, float(area), nameable, mask)


def without_anything(obj: SceneObject) -> SceneObject:
    """The object without the name :data:`ANYTHING`."""
    return replace(obj, names=tuple(name for name in obj.names if name != ANYTHING))


def held_out(key: str, share: float) -> bool:
    """Whether the hash of ``key`` falls into the first ``share`` (0 to 1): the same on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") < share * 2**64


def in_split(key: str, share: float, split: str) -> bool:
    """Whether ``key`` belongs to ``split`` ("train", "held_out" or "all") when ``share`` of all keys are held out.

    Raises:
        ValueError: ``split`` is none of the three.
    """
    if split not in ("train", "held_out", "all"):
        raise ValueError(f'split is {split!r}; it must be "train", "held_out" or "all".')
    return split == "all" or held_out(key, share) == (split == "held_out")


def scene_rng(source: str, seed: int) -> np.random.Generator:
    """The random numbers of one scene; sources with the same seed do not share them."""
    key = int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big")
    return np.random.default_rng((key, seed))
