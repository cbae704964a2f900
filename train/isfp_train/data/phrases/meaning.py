"""What a phrase says, apart from its words: the logical form that a proof reads."""

from __future__ import annotations

from dataclasses import dataclass

#: Superlatives of place, and the plain places of the frame.
EXTREMES = ("leftmost", "rightmost", "topmost", "lowest")
SIDES = ("left", "right", "top", "bottom")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
PLACES = (*EXTREMES, *SIDES, *CORNERS, "middle", "centre")
SIZES = ("biggest", "smallest", "big", "small", "huge", "tiny", "tallest", "shortest", "widest")
#: The relations that take one object; "between" takes two.
DIRECTIONS = ("left of", "right of", "above", "below")
RELATIONS = (*DIRECTIONS, "nearest", "next left", "next right", "farthest", "between")


@dataclass(frozen=True)
class Meaning:
    """The objects called ``noun`` that have ``colour`` and stand in ``relation`` to the anchors; of these one.

    Attributes:
        noun: a name, or "object" for anything at all.
        colour: a basic colour word.
        excluded: a basic colour word that must not fit.
        relation: one of :data:`RELATIONS`, to ``anchors``.
        anchors: the one (or, for "between", two) objects that the relation is to.
        second: another of the four directions, and the object that it is to: "left of the mug and above the key".
        place: one of :data:`PLACES`.
        size: one of :data:`SIZES`.
        order: (k, side): the k-th, from 1, counted from "left", "right", "top" or "bottom"; or the k-th "biggest" or
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
