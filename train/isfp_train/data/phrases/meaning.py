"""The meaning of a phrase, independent of its wording: the logical form that is proved."""

from __future__ import annotations

from dataclasses import dataclass

#: Superlatives of place, and sides of the frame.
EXTREMES = ("leftmost", "rightmost", "topmost", "lowest")
SIDES = ("left", "right", "top", "bottom")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
#: Closest to the camera and farthest from it.
DEPTHS = ("front", "back")
PLACES = (*EXTREMES, *SIDES, *CORNERS, *DEPTHS, "middle", "centre")
SIZES = ("biggest", "smallest", "big", "small", "huge", "tiny", "tallest", "shortest", "widest")
#: Relations to one object; "between" relates to two, and "between pair" to the only two objects of one name.
DIRECTIONS = ("left of", "right of", "above", "below")
RELATIONS = (*DIRECTIONS, "nearest", "next left", "next right", "farthest", "between", "between pair")


@dataclass(frozen=True)
class Meaning:
    """One of the objects called `noun` that have `colour` and for which `relation` to the anchors holds.

    Attributes:
        noun: a name, or "object" for any object.
        colour: a basic colour word.
        excluded: a basic colour word that must not fit.
        relation: one of `RELATIONS`, to `anchors`.
        anchors: the object that the relation refers to; two for "between" and "between pair".
        second: another of the four directions, and the object that it refers to: "left of the mug and above the key".
        place: one of `PLACES`.
        size: one of `SIZES`.
        order: (k, side): the k-th, from 1, counting from "left", "right", "top" or "bottom"; or the k-th "biggest" or
            "smallest".
    """

    noun: str
    colour: str | None = None
    relation: str | None = None
    anchors: tuple[Meaning, ...] = ()
    place: str | None = None
    size: str | None = None
    order: tuple[int, str] | None = None
    excluded: str | None = None
    second: tuple[str, Meaning] | None = None
