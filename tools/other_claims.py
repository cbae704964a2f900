"""Claims of `other_scenes.py` about objects, such as "is red": true, false, or doubtful, each with a wide margin.

They share no code with the proofs of the phrases that training uses, so that a fault of the one does not hide in the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from isfp_train.data.scene import SceneObject
from isfp_train.data.sprites.colours import confusable

Side = Literal["left", "right", "top", "bottom", "middle"]
Way = Literal["left of", "right of", "above", "below"]

#: A size must be this many times that of the next (length of a side; the root of the area).
SIZE_RATIO = 1.4
#: Distance between neighbours in an order, as a share of the picture's width or height.
ORDER_GAP = 0.07
#: An object in the left part lies left of the first share of the width; one that certainly does not lies right of the second.
PART, NOT_PART = 0.40, 0.60
CORNER = 0.32
#: "Near" is a gap of at most this share of the diagonal; the next like object is farther away by at least as much.
NEAR = 0.12
#: Angles in degrees between the direction from an anchor to an object and "straight down": certainly below it, certainly not.
STEEP, FLAT = 25.0, 65.0


@dataclass(frozen=True)
class View:
    """The objects of a picture, and its size in pixels."""

    objects: Sequence[SceneObject]
    width: int
    height: int

    @property
    def diagonal(self) -> float:
        """Length of the diagonal in pixels."""
        return math.hypot(self.width, self.height)

    def centre(self, index: int) -> tuple[float, float]:
        """Centre of an object's box, as shares of width and height."""
        x0, y0, x1, y1 = self.objects[index].box
        return (x0 + x1) / 2 / self.width, (y0 + y1) / 2 / self.height

    def offset(self, index: int, anchor: int) -> tuple[float, float]:
        """Offset from the anchor's centre to the object's, in pixels."""
        (x, y), (ax, ay) = self.centre(index), self.centre(anchor)
        return (x - ax) * self.width, (y - ay) * self.height

    def gap(self, index: int, anchor: int) -> float:
        """Distance between two boxes in pixels, 0 if they touch."""
        one, other = self.objects[index].box, self.objects[anchor].box
        across = max(one[0] - other[2], other[0] - one[2], 0.0)
        down = max(one[1] - other[3], other[1] - one[3], 0.0)
        return math.hypot(across, down)


class Claim(Protocol):
    """Something that a phrase says about an object."""

    def truth(self, view: View, index: int) -> bool | None:
        """Whether it holds for an object; None if people may disagree."""
        ...


def verdict(view: View, claim: Claim) -> int | str | None:
    """The only object for which a claim holds, "absent" if it certainly holds for none, and None if neither is certain."""
    truths = [claim.truth(view, index) for index in range(len(view.objects))]
    if None in truths or truths.count(True) > 1:
        return None
    return truths.index(True) if True in truths else "absent"


def members(view: View, claim: Claim) -> list[int] | None:
    """The objects for which a claim holds; None if that is doubtful for any."""
    truths = [claim.truth(view, index) for index in range(len(view.objects))]
    return None if None in truths else [index for index, true in enumerate(truths) if true]


def group_of(view: View, claim: Claim, index: int) -> list[int] | bool | None:
    """The objects among which one is compared: those for which a claim holds.

    False if the object is none of them; None if they are fewer than two, or doubtful.
    """
    group = members(view, claim)
    if group is None or len(group) < 2:
        return None
    return group if index in group else False


@dataclass(frozen=True)
class Called:
    """Is of a kind. The kinds of a scene are so different that no name fits two of them."""

    kind: str

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        return view.objects[index].kind == self.kind


@dataclass(frozen=True)
class Coloured:
    """Has a colour."""

    colour: str

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        own = view.objects[index].colour
        if own == self.colour:
            return True
        return None if own is None or confusable(own, self.colour) else False


@dataclass(frozen=True)
class Both:
    """Both claims hold."""

    first: Claim
    second: Claim

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        truths = self.first.truth(view, index), self.second.truth(view, index)
        return False if False in truths else None if None in truths else True


@dataclass(frozen=True)
class Extreme:
    """Is the biggest or smallest of those for which `of` holds."""

    of: Claim
    biggest: bool

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        group = group_of(view, self.of, index)
        if not isinstance(group, list):
            return group
        others = [view.objects[other] for other in group if other != index]
        own = view.objects[index]
        if all(self._exceeds(own, other) for other in others):
            return True
        return False if any(self._exceeds(other, own) for other in others) else None

    def _exceeds(self, one: SceneObject, other: SceneObject) -> bool:
        """Whether one is certainly bigger (or smaller) than the other."""
        big, small = (one, other) if self.biggest else (other, one)
        sides = [max(obj.box[2] - obj.box[0], obj.box[3] - obj.box[1]) for obj in (big, small)]
        return sides[0] >= SIZE_RATIO * sides[1] and big.area >= SIZE_RATIO**2 * small.area


@dataclass(frozen=True)
class InPart:
    """Lies in a half of the picture, or in its middle; `part` is how deep in the half."""

    side: Side
    part: float = PART

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        x, y = view.centre(index)
        if self.side == "middle":
            off = max(abs(x - 0.5), abs(y - 0.5))
            return True if off < 0.10 else False if off > 0.22 else None
        depth = {"left": x, "right": 1 - x, "top": y, "bottom": 1 - y}[self.side]
        return True if depth < self.part else False if depth > NOT_PART else None


@dataclass(frozen=True)
class Rank:
    """Is number `rank` (from 0) of those for which `of` holds, counted from a side."""

    of: Claim
    side: Side
    rank: int

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        group = group_of(view, self.of, index)
        if not isinstance(group, list):
            return group
        if self.rank >= len(group):
            return False
        axis = 0 if self.side in ("left", "right") else 1
        ordered = sorted(group, key=lambda i: view.centre(i)[axis], reverse=self.side in ("right", "bottom"))
        places = [view.centre(i)[axis] for i in ordered]
        others = [view.centre(i)[1 - axis] for i in ordered]
        if self.rank > 0 and max(others) - min(others) > 0.6 * abs(places[-1] - places[0]):
            return None  # not in a line: people may count in another order
        bounds = {self.rank - 1, self.rank} & set(range(len(group) - 1))
        if any(abs(places[bound + 1] - places[bound]) < ORDER_GAP for bound in bounds):
            return None
        return ordered[self.rank] == index


@dataclass(frozen=True)
class MiddleOfThree:
    """Is the middle one of exactly three in a line for which `of` holds."""

    of: Claim

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        group = members(view, self.of)
        if group is None or len(group) != 3:
            return None
        if index not in group:
            return False
        spreads = [max(view.centre(i)[axis] for i in group) - min(view.centre(i)[axis] for i in group) for axis in (0, 1)]
        if max(spreads) < 2.5 * min(spreads):
            return None
        side: Side = "left" if spreads[0] > spreads[1] else "top"
        second = Rank(self.of, side, 1)
        share = [abs(view.centre(i)[side == "top"] - view.centre(j)[side == "top"]) for i in group for j in group if i < j]
        return None if min(share) < 0.25 * max(share) else second.truth(view, index)


@dataclass(frozen=True)
class Near:
    """Of those for which `of` holds, the one near an anchor; with `ordered`, only the closest (1) or farthest (-1) counts."""

    of: Claim
    anchor: int
    ordered: int = 0

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        group = members(view, self.of)
        if group is None:
            return None
        group = [i for i in group if i != self.anchor]
        if index not in group:
            return False
        if len(group) < 2:
            return None
        margin = 0.06 * view.diagonal if self.ordered else NEAR * view.diagonal
        own_way = -1 if self.ordered < 0 else 1
        nearer = [self._nearer(view, index, other, margin, own_way) for other in group if other != index]
        if all(nearer) and (self.ordered or view.gap(index, self.anchor) <= NEAR * view.diagonal):
            return True
        beaten = any(self._nearer(view, other, index, margin, own_way) for other in group if other != index)
        return False if beaten else None

    def _nearer(self, view: View, one: int, other: int, margin: float, way: int) -> bool:
        near, far = (one, other) if way > 0 else (other, one)
        lengths = [math.hypot(*view.offset(i, self.anchor)) for i in (near, far)]
        gaps = [view.gap(i, self.anchor) for i in (near, far)]
        return lengths[1] >= 1.35 * lengths[0] and lengths[1] - lengths[0] >= margin and gaps[1] - gaps[0] >= margin


@dataclass(frozen=True)
class Towards:
    """Lies on one side of an anchor, and is one of those for which `of` holds."""

    of: Claim
    anchor: int
    way: Way

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        own = self.of.truth(view, index)
        if own is not True or index == self.anchor:
            return False if index == self.anchor else own
        x, y = view.offset(index, self.anchor)
        along, aside = {"left of": (-x, y), "right of": (x, y), "above": (-y, x), "below": (y, x)}[self.way]
        angle = math.degrees(math.atan2(abs(aside), along))
        axis = 0 if self.way in ("left of", "right of") else 1
        one, other = view.objects[index].box, view.objects[self.anchor].box
        clear = max(one[axis] - other[axis + 2], other[axis] - one[axis + 2]) > -0.02 * view.diagonal
        if angle <= STEEP and clear:
            return True if view.gap(index, self.anchor) < 0.3 * view.diagonal else None
        return False if angle >= (90.0 if axis == 0 else FLAT) else None


@dataclass(frozen=True)
class Between:
    """Lies between two anchors, and is one of those for which `of` holds."""

    of: Claim
    anchors: tuple[int, int]

    def truth(self, view: View, index: int) -> bool | None:
        """As in `Claim`."""
        own = self.of.truth(view, index)
        if index in self.anchors or own is not True:
            return False if index in self.anchors else own
        first, second = self.anchors
        (dx, dy), (x, y) = view.offset(second, first), view.offset(index, first)
        length = math.hypot(dx, dy)
        if length < 0.12 * view.diagonal:
            return None
        along, aside = (x * dx + y * dy) / length**2, abs(x * dy - y * dx) / length**2
        if 0.22 < along < 0.78 and aside < 0.18:
            return True
        return False if not -0.05 < along < 1.05 or aside > 0.45 else None
