"""Phrases for scenes, each with a proof that it describes exactly one object, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isfp_train.data.phrases.geometry import NO, NOTHING, called, prove
from isfp_train.data.phrases.meaning import CORNERS, DEPTHS, DIRECTIONS, EXTREMES, SIDES, Meaning
from isfp_train.data.phrases.speech import say
from isfp_train.data.scene import ANYTHING, Expression, SceneObject, in_split
from isfp_train.data.sprites.colours import COLOURS
from isfp_train.data.sprites.names import kinds_called, names_of, world_of

#: Share of phrases for absent objects.
ABSENT_SHARE = 0.12
#: People do not count further than this from a side.
MOST_COUNTED = 5
#: Share of guessable phrases (`_Table.guessable`) that are left out.
GUESSABLE_LEFT_OUT = 0.8
#: Share of the pairs of a colour and a kind of object that training phrases never combine.
HELD_OUT_PAIRS = 0.08
_TRIES = 20
#: Maximum number of words for all names and colours of a phrase with two relations.
_SHORT = 6


@dataclass(frozen=True)
class MadePhrase(Expression):
    """A phrase that was generated from the geometry, and the object that it describes.

    Attributes:
        text: at most 20 lower-case words of a-z and digits.
        target: index of the object; None if the phrase describes an absent object.
        kind: "unique", "colour", "negation", "position", "order", "size", "relation" or "absent".
        meaning: the meaning that was proved.
    """

    meaning: Meaning


def make_phrases(
    objects: Sequence[SceneObject],
    size: tuple[int, int],
    rng: np.random.Generator,
    count: int,
    wording: str = "train",
    pairs: str = "train",
    absent: float = ABSENT_SHARE,
    comparisons: float = 0.0,
) -> list[MadePhrase]:
    """Up to `count` different phrases for a scene; fewer if no more can be proved.

    Args:
        objects: all objects of the scene; masks are not used.
        size: height and width of the scene in pixels.
        rng: chooses targets, meanings and words.
        count: maximum number of phrases.
        wording: "train", "held_out" (every phrase has a wording that "train" never uses) or "all".
        pairs: pairs of a colour and a kind of object: "train", "held_out" (every phrase has a pair that "train" never uses) or
            "all".
        absent: share of phrases for absent objects.
        comparisons: share of the other phrases for which order and size are tried first, as they can rarely be proved otherwise.

    Raises:
        ValueError: `wording` or `pairs` is not one of the three.
    """
    for name, value in (("wording", wording), ("pairs", pairs)):
        if value not in ("train", "held_out", "all"):
            raise ValueError(f'{name} is {value!r}; expected "train", "held_out" or "all".')
    table = _Table(objects, size, rng, pairs)
    found: list[MadePhrase] = []
    said: set[Meaning] = set()
    for _ in range(count):
        attempt = table.absent if rng.random() < absent and pairs != "held_out" else table.present
        luck = rng.random()
        if comparisons and rng.random() < comparisons:
            luck = _COMPARING[0] + luck * (_COMPARING[1] - _COMPARING[0])
        for trial in range(_TRIES):
            meaning, target = attempt(luck if trial < _TRIES // 2 else rng.random())
            if meaning is not None and meaning not in said:
                said.add(meaning)
                text = say(meaning, rng, wording, pair=table.is_pair(meaning))
                found.append(MadePhrase(text, target, "absent" if target is None else kind_of(meaning), meaning))
                break
    return found


def kind_of(meaning: Meaning) -> str:
    """The kind of a meaning that fits an object."""
    if meaning.relation is not None:
        return "relation"
    if meaning.order is not None:
        return "order"
    if meaning.size is not None:
        return "size"
    if meaning.place is not None:
        return "position"
    if meaning.excluded is not None:
        return "negation"
    return "colour" if meaning.colour is not None else "unique"


class _Table:
    """One scene while phrases are generated for it."""

    def __init__(self, objects: Sequence[SceneObject], size: tuple[int, int], rng: np.random.Generator, pairs: str) -> None:
        self.objects, self.size, self.rng, self.pairs = objects, size, rng, pairs
        self.targets = [i for i, obj in enumerate(objects) if obj.nameable]
        kinds = [obj.kind for obj in objects]
        self.rivals = [kinds.count(kind) - 1 for kind in kinds]
        weights = np.array([4.0 if self.rivals[i] else 1.0 for i in self.targets])
        self.odds = np.cumsum(weights / weights.sum()) if len(weights) else weights
        self.anything = bool(objects) and all(ANYTHING in obj.names for obj in objects)
        self.world = world_of(frozenset(kinds))

    def present(self, luck: float) -> tuple[Meaning | None, int | None]:
        """A meaning that fits one object, and that object's index; None if this attempt found none.

        `luck` (0 to 1) chooses the family of meanings. It is kept for several attempts, so that hard families get their share.
        """
        if not self.targets:
            return None, None
        target = self.targets[int(np.searchsorted(self.odds, self.rng.random()))]
        meaning = self.propose(target, luck)
        if meaning is None or prove(meaning, self.objects, self.size) != target:
            return None, None
        if self.pairs == "held_out" and meaning.colour is None:
            return None, None
        if self.guessable(meaning, target) and self.rng.random() < GUESSABLE_LEFT_OUT:
            return None, None
        return meaning, target

    def absent(self, luck: float) -> tuple[Meaning | None, None]:
        """A meaning that certainly fits no object; `luck` (0 to 1) chooses its style."""
        meaning = self.propose_absent(luck)
        if meaning is not None and prove(meaning, self.objects, self.size) == NOTHING:
            return meaning, None
        return None, None

    def guessable(self, meaning: Meaning, target: int) -> bool:
        """Whether "left of X" is also the leftmost: a network that learns only this would ignore X."""
        along, sign = _DIRECTIONS.get(meaning.relation or "", (0, 0))
        if not sign or not self.rivals[target]:
            return False
        obj = self.objects[target]
        like = (t for t in self.objects if t.kind == obj.kind and t is not obj)
        return all(sign * (t.centre[along] - obj.centre[along]) > 0 for t in like)

    def is_pair(self, meaning: Meaning) -> bool:
        """Whether exactly two objects have the meaning's noun and colour, so that "bigger" can replace "biggest"."""
        fitting = [t for t in self.objects if called(meaning.noun, t) != NO]
        if meaning.colour is not None:
            fitting = [t for t in fitting if t.colour in (None, meaning.colour)]
        return len(fitting) == 2 and meaning.relation is None

    def propose(self, target: int, luck: float) -> Meaning | None:
        """A meaning that may fit a target; it is not proved yet."""
        rng, obj = self.rng, self.objects[target]
        noun = self.noun(obj)
        crowded = self.rivals[target] > 0
        row = self.rivals[target] > 1
        named = (_ROW_FAMILIES if row else _RIVAL_FAMILIES) if crowded else _ALONE_FAMILIES
        families = _ANYTHING_FAMILIES if noun == ANYTHING else named
        family = families[0][int(np.searchsorted(families[1], luck))]
        colour = obj.colour if rng.random() < (0.3 if family != "colour" else 1.0) else None
        if colour in noun.split() or not self.may_say(colour, obj.kind):
            colour = None
        if family == "colour" and crowded and rng.random() < 0.35:
            return self.negation(target, noun)
        if family == "colour" and colour is None:
            return None
        if family in ("unique", "colour"):
            return Meaning(noun, colour)
        if family == "place":
            return Meaning(noun, colour, place=self.place(target, crowded))
        if family == "size":
            return Meaning(noun, colour, size=_one(rng, _SIZE_WORDS))
        if family == "order":
            order = self.order(obj, colour)
            return Meaning(noun, colour, order=order) if order[0] <= MOST_COUNTED else None
        return self.relation(target, noun, colour)

    def may_say(self, colour: str | None, kind: str) -> bool:
        """Whether phrases of these `pairs` may combine a colour with a kind of object."""
        return colour is None or in_split(f"{colour} {kind}", HELD_OUT_PAIRS, self.pairs)

    def negation(self, target: int, noun: str) -> Meaning | None:
        """The target, described by a rival's colour that it does not have."""
        obj = self.objects[target]
        rivals = {t.colour for t in self.objects if t.kind == obj.kind and t.colour not in (None, obj.colour)}
        colours = sorted(c for c in rivals if c and c not in noun.split() and self.may_say(c, obj.kind))
        return Meaning(noun, excluded=_one(self.rng, colours)) if colours else None

    def noun(self, obj: SceneObject) -> str:
        """A name of an object; the first names are more frequent."""
        if self.anything and self.rng.random() < 0.05:
            return ANYTHING
        names = [name for name in obj.names if name != ANYTHING]
        return names[0] if self.rng.random() < 0.55 else _one(self.rng, names)

    def place(self, target: int, crowded: bool) -> str:
        """A word of place that is not obviously wrong."""
        rng, obj = self.rng, self.objects[target]
        x, y = obj.centre[0] / self.size[1], obj.centre[1] / self.size[0]
        if crowded and rng.random() < 0.16:
            return DEPTHS[0] if y > 0.5 else DEPTHS[1]
        if rng.random() < (0.3 if self.rivals[target] == 2 else 0.14):
            return "middle" if crowded and rng.random() < 0.7 else "centre"
        if rng.random() < 0.18:
            return f"{'top' if y < 0.5 else 'bottom'} {'left' if x < 0.5 else 'right'}"
        words = SIDES if rng.random() < 0.5 else EXTREMES
        return words[int(rng.integers(2))] if rng.random() < 0.62 else words[2 + int(rng.integers(2))]

    def order(self, obj: SceneObject, colour: str | None) -> tuple[int, str]:
        """The position of an object among its kind, counted from a random side."""
        side = _one(self.rng, _ORDER_SIDES)
        like = [t for t in self.objects if t.kind == obj.kind and (colour is None or t.colour == colour)]
        if side in ("biggest", "smallest"):
            sign = -1 if side == "biggest" else 1
            return 1 + sum(sign * other.area < sign * obj.area for other in like), side
        along, sign = (0 if side in ("left", "right") else 1), (1 if side in ("left", "top") else -1)
        return 1 + sum(sign * other.centre[along] < sign * obj.centre[along] for other in like), side

    def relation(self, target: int, noun: str, colour: str | None) -> Meaning | None:
        """A relation of a target to one or two other objects."""
        rng = self.rng
        anchors = [i for i in self.targets if i != target]
        if not anchors:
            return None
        relation = _one(rng, _ROW_RELATION_WORDS if self.rivals[target] > 1 else _RELATION_WORDS)
        if relation == "between pair":
            return self.between_pair(target, noun, colour)
        first = anchors[int(rng.integers(len(anchors)))]
        one = self.anchor(first)
        if relation == "between":
            second = anchors[int(rng.integers(len(anchors)))]
            other = self.anchor(second)
            if first == second or one is None or other is None:
                return None
            return Meaning(noun, colour, relation, (one, other))
        if relation == "any side":
            relation = self.direction(target, first)
        if one is None:
            return None
        pick = rng.random()
        if relation in DIRECTIONS and pick < 0.12:
            return Meaning(noun, colour, relation, (one,), size=_one(rng, ("biggest", "smallest")))
        if relation in DIRECTIONS and pick < 0.37:
            return Meaning(noun, colour, relation, (one,), second=self.second(target, first, (noun, colour), one))
        return Meaning(noun, colour, relation, (one,))

    def between_pair(self, target: int, noun: str, colour: str | None) -> Meaning | None:
        """Between the two objects of another kind of which there are two."""
        kind = self.objects[target].kind
        pairs = [i for i in self.targets if self.rivals[i] == 1 and self.objects[i].kind != kind]
        if not pairs:
            return None
        for name in dict.fromkeys(self.noun(self.objects[i]) for i in pairs):
            for ends in (("leftmost", "rightmost"), ("topmost", "lowest")):
                anchors = tuple(Meaning(name, place=end) for end in ends)
                meaning = Meaning(noun, colour, "between pair", anchors)
                if name != ANYTHING and prove(meaning, self.objects, self.size) == target:
                    return meaning
        return None

    def second(self, target: int, first: int, named: tuple[str, str | None], one: Meaning) -> tuple[str, Meaning] | None:
        """A further direction, and the object that it refers to; None if the phrase would be too long."""
        others = [i for i in self.targets if i not in (target, first)]
        if not others:
            return None
        index = others[int(self.rng.integers(len(others)))]
        anchor = self.anchor(index)
        if anchor is None or anchor == one:
            return None
        said = (*named, one.noun, one.colour, one.place, one.size, anchor.noun, anchor.colour, anchor.place, anchor.size)
        if sum(len(part.split()) for part in said if part) > _SHORT:
            return None
        return self.direction(target, index), anchor

    def direction(self, target: int, anchor: int) -> str:
        """The clearer direction from an anchor to a target."""
        obj, other = self.objects[target], self.objects[anchor]
        dx, dy = obj.centre[0] - other.centre[0], obj.centre[1] - other.centre[1]
        return ("left of" if dx < 0 else "right of") if abs(dx) > abs(dy) else ("above" if dy < 0 else "below")

    def anchor(self, index: int) -> Meaning | None:
        """A meaning that describes an anchor by its name, and by its colour if needed."""
        obj = self.objects[index]
        noun = self.noun(obj)
        if noun == ANYTHING:
            return None
        plain = Meaning(noun)
        sayable = obj.colour is not None and self.may_say(obj.colour, obj.kind)
        use_colour = sayable and self.rng.random() < 0.25
        if not use_colour and prove(plain, self.objects, self.size) == index:
            return plain
        others = [Meaning(noun, obj.colour)] if sayable and obj.colour not in noun.split() else []
        if self.rivals[index]:
            others.append(Meaning(noun, place=_one(self.rng, EXTREMES)))
            others.append(Meaning(noun, size=_one(self.rng, ("biggest", "smallest"))))
        for meaning in others:
            if prove(meaning, self.objects, self.size) == index:
                return meaning
        return None

    def propose_absent(self, style: float) -> Meaning | None:
        """A meaning that may fit no object: an absent object, a wrong colour, relation, number or corner."""
        rng = self.rng
        if not self.targets:
            return Meaning(self.absent_noun())
        index = self.targets[int(np.searchsorted(self.odds, rng.random()))]
        obj = self.objects[index]
        noun = next(name for name in obj.names if name != ANYTHING)
        if style < 0.26:
            return self.decorated(self.absent_noun())
        if style < 0.46:
            colour = _one(rng, COLOURS)
            return None if colour in noun.split() or not self.may_say(colour, obj.kind) else Meaning(noun, colour)
        if style < 0.54:
            return Meaning(noun, None, _one(rng, (*DIRECTIONS, "nearest", "nearest", "nearest")), (Meaning(self.absent_noun()),))
        if style < 0.83:
            others = [i for i in self.targets if self.objects[i].kind != obj.kind]
            if not others:
                return None
            first = others[int(rng.integers(len(others)))]
            anchor = self.anchor(first)
            if anchor is None:
                return None
            if style < 0.62:
                colour = _one(rng, COLOURS)
                if colour in noun.split() or not self.may_say(colour, obj.kind):
                    return None
                return Meaning(noun, colour, self.direction(index, first), (anchor,))
            return Meaning(noun, None, _one(rng, ("left of", "right of", "above", "below", "left of", "right of")), (anchor,))
        if style < 0.94:
            k = self.rivals[index] + 1 + int(rng.integers(1, 3))
            return Meaning(noun, order=(k, _one(rng, ("left", "right", "top")))) if 3 <= k <= MOST_COUNTED else None
        return Meaning(noun, place=_one(rng, CORNERS))

    def absent_noun(self) -> str:
        """The name of a possibly absent object, usually one that occurs in other scenes of this kind.

        For photos, only COCO's categories can be used: other objects may be present without an annotation.
        """
        world = self.world
        if world != "photo":
            world = _one(self.rng, ("photo", "drawn", "any") if world == "any" else ("drawn", "drawn", "drawn", "any"))
        return _one(self.rng, names_of(world))

    def decorated(self, noun: str) -> Meaning:
        """An absent noun, sometimes with further words."""
        rng, pick = self.rng, self.rng.random()
        if pick < 0.5:
            return Meaning(noun)
        if pick < 0.65:
            colour = _one(rng, COLOURS)
            fits = colour not in noun.split() and all(self.may_say(colour, kind) for kind in kinds_called(noun))
            return Meaning(noun, colour if fits else None)
        if pick < 0.85:
            return Meaning(noun, place=_one(rng, (*SIDES, *EXTREMES)))
        if pick < 0.95:
            return Meaning(noun, size=_one(rng, ("biggest", "smallest", "big", "small")))
        return Meaning(noun, order=(2, _one(rng, ("left", "right"))))


def _families(weights: dict[str, float]) -> tuple[tuple[str, ...], np.ndarray]:
    return tuple(weights), np.cumsum(list(weights.values())) / sum(weights.values())


#: Weights before the proofs; some families can be proved more often than others.
_RIVAL_FAMILIES = _families({"place": 0.21, "order": 0.19, "size": 0.21, "colour": 0.12, "relation": 0.27})
#: Of three or more alike, people tell one by its neighbours and its number. Order and size keep the range that `_COMPARING` says.
_ROW_FAMILIES = _families({"place": 0.21, "order": 0.26, "size": 0.14, "colour": 0.06, "relation": 0.33})
#: Range of order and size among the rivals' families, 0 to 1.
_COMPARING = tuple(_RIVAL_FAMILIES[1][[0, 2]])
_ALONE_FAMILIES = _families({"unique": 0.36, "colour": 0.24, "place": 0.12, "relation": 0.28})
_ANYTHING_FAMILIES = _families({"colour": 0.25, "place": 0.30, "size": 0.20, "relation": 0.25})
_SIZE_WORDS = (
    "biggest",
    "smallest",
    "biggest",
    "smallest",
    "big",
    "small",
    "huge",
    "tiny",
    "tallest",
    "shortest",
    "widest",
)
_DIRECTIONS = {
    "left of": (0, 1),
    "next left": (0, 1),
    "right of": (0, -1),
    "next right": (0, -1),
    "above": (1, 1),
    "below": (1, -1),
}
_ORDER_SIDES = ("left", "right", "left", "right", "top", "bottom", "biggest", "smallest")
_RELATION_WORDS = (
    *("any side",) * 6,
    *("nearest", "next left", "next right", "between") * 2,
    "farthest",
    "between pair",
)
_ROW_RELATION_WORDS = (
    *("any side",) * 7,
    *("nearest",) * 4,
    *("next left", "next right", "farthest", "between pair") * 2,
    *("between",) * 3,
)


def _one(rng: np.random.Generator, choices: Sequence) -> str:
    return choices[int(rng.integers(len(choices)))]
