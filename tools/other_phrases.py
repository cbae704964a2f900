"""Phrases of `other_scenes.py`, in wordings of their own, each proved by `other_claims.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from isfp_train.data.scene import SceneObject
from isfp_train.data.sprites.colours import COLOURS, confusable
from other_claims import (
    CORNER,
    Between,
    Both,
    Called,
    Claim,
    Coloured,
    Extreme,
    InPart,
    MiddleOfThree,
    Near,
    Rank,
    Side,
    Towards,
    View,
    Way,
    verdict,
)

MOST_WORDS = 15
#: How often a phrase of a kind is made until one is certain.
TRIES = 40
ABSENT_SHARE = 0.2
#: How often each kind of phrase is tried. A scene has at most two of the first, and one of the others.
KINDS: Mapping[str, float] = {
    "relation": 0.30, "order": 0.20, "size": 0.14, "position": 0.14, "colour": 0.12, "name": 0.08, "combined": 0.16,
}  # fmt: skip
ABSENT_KINDS = ("absent name", "absent colour", "absent anchor", "absent place")

LEADS = (
    "find {}", "pick up {}", "hand me {}", "show me {}", "where is {}", "look for {}", "could you point out {}", "grab {}",
    "i need {}", "please select {}", "mark {}", "go to {}", "which one is {}", "we want {}", "give me {} please",
    "segment {}", "{} please", "i am talking about {}",
)  # fmt: skip
COLOURED = (
    "{c} {n}", "the {c} {n}", "the {n} that is {c}", "{n} which is {c}", "{c} coloured {n}", "the {c} colored {n}",
    "{n}, the {c} one", "the {n} whose colour is {c}", "a {c} {n}",
)  # fmt: skip
BIGGEST = (
    "biggest {n}", "the largest {n}", "the big {n}", "the {n} that takes up the most space", "the {n} of the largest size",
    "large {n}", "the {n} that is bigger than the rest", "the most sizeable {n}", "the really big {n}",
)  # fmt: skip
SMALLEST = (
    "smallest {n}", "the tiniest {n}", "the little {n}", "small {n}", "the {n} that is smaller than the rest", "the tiny {n}",
    "the {n} of the smallest size", "the littlest {n}",
)  # fmt: skip
OF_TWO = {
    True: ("the bigger {n}", "the larger of the two {s}", "bigger one of the {s}", "the larger {n}"),
    False: ("the smaller {n}", "the smaller of the two {s}", "smaller one of the {s}"),
}
PARTS: Mapping[Side, tuple[str, ...]] = {
    "left": (
        "{n} on the left", "left {n}", "the left-hand {n}", "the {n} in the left half of the picture", "{n} at the left side",
        "the {n} over on the left", "the {n} to the left of the image", "lefthand {n}",
    ),
    "right": (
        "{n} on the right", "right {n}", "the right-hand {n}", "the {n} in the right half of the picture", "{n} at the right side",
        "the {n} over on the right", "the {n} to the right of the image", "the {n} on the right hand side",
    ),
    "top": ("{n} at the top", "upper {n}", "the top {n}", "the {n} in the upper part of the picture", "{n} up at the top",
            "the {n} in the top half"),
    "bottom": ("{n} at the bottom", "lower {n}", "the bottom {n}", "the {n} in the lower part of the picture", "{n} down below",
               "the {n} in the bottom half"),
    "middle": ("{n} in the middle of the picture", "the {n} in the centre", "central {n}",
               "the {n} right in the center of the image", "the {n} at the heart of the frame"),
}  # fmt: skip
CORNERS = (
    "{v} {h} {n}", "the {v}-{h} {n}", "the {n} in the {v} {h} corner", "{n} at the {v} {h}", "the {n} in the {h} {v} corner",
    "the {n} tucked into the {v} {h} of the frame",
)  # fmt: skip
FIRST: Mapping[Side, tuple[str, ...]] = {
    "left": ("leftmost {n}", "the {n} furthest left", "the {n} farthest to the left", "first {n} from the left",
             "the {n} on the far left", "the {n} closest to the left edge"),
    "right": ("rightmost {n}", "the {n} furthest right", "the {n} farthest to the right", "first {n} from the right",
              "the {n} on the far right", "the {n} closest to the right edge"),
    "top": ("topmost {n}", "the highest {n}", "uppermost {n}", "the {n} nearest the top edge", "the {n} that is highest up"),
    "bottom": ("lowest {n}", "the bottommost {n}", "the {n} nearest the bottom edge", "the {n} that is lowest down"),
    "middle": (),
}  # fmt: skip
LATER = (
    "{o} {n} from the {side}", "the {o} {n} counting from the {side}", "the {n} that is {o} from the {side}",
    "{o} from the {side} among the {s}", "{n} number {number} from the {side}", "the {o} of the {s} starting at the {side}",
)  # fmt: skip
MIDDLE = (
    "the middle one of the three {s}", "middle {n} of the three", "the {n} between the other two {s}", "the centre one of the {s}",
    "the {n} with a {n} on either side",
)  # fmt: skip
NEARBY = (
    "{n} near {a}", "the {n} by {a}", "{n} close to {a}", "the {n} that is right by {a}", "{n} next to {a}",
    "the {n} right beside {a}", "the {n} not far from {a}",
)  # fmt: skip
CLOSEST = (
    "{n} closest to {a}", "the {n} nearest to {a}", "the {n} nearest {a}", "whichever {n} is closest to {a}",
    "the {n} that lies closest to {a}",
)  # fmt: skip
FARTHEST = (
    "{n} farthest from {a}", "the {n} furthest away from {a}", "the {n} most distant from {a}",
    "the {n} that is farthest away from {a}",
)  # fmt: skip
TOWARDS: Mapping[Way, tuple[str, ...]] = {
    "left of": ("{n} to the left of {a}", "the {n} left of {a}", "the {n} on the left side of {a}", "{n} just left of {a}"),
    "right of": ("{n} to the right of {a}", "the {n} right of {a}", "the {n} on the right side of {a}", "{n} just right of {a}"),
    "above": ("{n} above {a}", "the {n} over {a}", "the {n} that is above {a}"),
    "below": ("{n} under {a}", "the {n} below {a}", "the {n} underneath {a}", "{n} beneath {a}", "the {n} that is below {a}"),
}  # fmt: skip
BETWEEN = (
    "{n} between {a} and {b}", "the {n} that is in between {a} and {b}", "the {n} with {a} on one side and {b} on the other",
    "the {n} sitting between {a} and {b}",
)  # fmt: skip
BETWEEN_TWO = ("{n} between the two {s}", "the {n} in between the {s}", "the {n} with the two {s} on either side")
COMBINED = {
    "left": ("{c} {n} on the left", "the left {c} {n}", "the {c} {n} in the left half"),
    "right": ("{c} {n} on the right", "the right {c} {n}", "the {c} {n} in the right half"),
    "top": ("{c} {n} at the top", "upper {c} {n}", "the {c} {n} in the upper part"),
    "bottom": ("{c} {n} at the bottom", "lower {c} {n}", "the {c} {n} in the lower part"),
}
NAMED = ("{n}", "the {n}", "the {n} in this picture", "a {n}", "any {n}", "the only {n}", "that {n}")
ORDINALS, NUMBERS = ("first", "second", "third", "fourth", "fifth"), ("one", "two", "three", "four", "five")
OPPOSITE: Mapping[str, str] = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
SIDES: tuple[Side, ...] = ("left", "right", "top", "bottom")
WAYS: tuple[Way, ...] = ("left of", "right of", "above", "below")
#: Words that have no plural and no article "a".
MASSES = frozenset(
    "popcorn soap bread butter garlic corn bacon milk salt money honey stew chocolate broccoli ginger cheese meat cream cutlery "
    "dice paper sake".split()
)
#: Words that end in "s" and are singular.
SINGULAR_IN_S = ("bus", "dress", "glass", "octopus", "lotus")
_IRREGULAR = {"mouse": "mice", "knife": "knives", "goose": "geese", "person": "people", "loaf": "loaves"}
_UNCHANGED = ("fish", "sheep", "deer", "bison", "salmon", "squid", "moose")


@dataclass(frozen=True)
class Said:
    """A phrase about a picture.

    Attributes:
        text: the words, in lower case.
        target: index of the object; None if there is none.
        kind: one of `KINDS` or `ABSENT_KINDS`.
    """

    text: str
    target: int | None
    kind: str


class Speaker:
    """Says phrases about one picture.

    Args:
        view: the objects.
        absent: kind -> names of things that are certainly not in the picture.
        rng: random numbers.
    """

    def __init__(self, view: View, absent: Mapping[str, Sequence[str]], rng: np.random.Generator) -> None:
        self.view, self.absent, self.rng = view, absent, rng
        self._kinds = sorted({obj.kind for obj in view.objects})
        self._groups = [kind for kind in self._kinds if len(self._of(kind)) > 1]
        self._makers: dict[str, tuple[Callable[[], tuple[str, Claim] | None], ...]] = {
            "relation": (self._near, self._closest, self._farthest, *2 * (self._towards,), *3 * (self._between,)),
            "order": (self._order,), "size": (self._size,), "position": (self._position,), "colour": (self._colour,),
            "name": (self._name,), "combined": (self._combined,), "absent name": (self._absent_name,),
            "absent colour": (self._absent_colour,), "absent anchor": (self._absent_anchor,), "absent place": (self._absent_place,),
        }  # fmt: skip

    def phrases(self, count: int) -> list[Said]:
        """Up to `count` different phrases; fewer if the picture does not allow more."""
        found: list[Said] = []
        for _ in range(40 * count):
            if len(found) == count:
                break
            if self.rng.random() < ABSENT_SHARE:
                kind = self._pick(ABSENT_KINDS)
            else:
                shares = np.array(list(KINDS.values()))
                kind = str(self.rng.choice(list(KINDS), p=shares / shares.sum()))
            enough = 2 if kind == "relation" else 1
            if sum(said.kind == kind for said in found) >= enough or (
                kind.startswith("absent") and sum(said.target is None for said in found) >= 2
            ):
                continue
            maker = self._pick(self._makers[kind])
            for _ in range(TRIES):
                said = self._say(kind, maker)
                if said is not None and not any(_same(said, other) for other in found):
                    found.append(said)
                    break
        return found

    def _say(self, kind: str, maker: Callable[[], tuple[str, Claim] | None]) -> Said | None:
        made = maker()
        if made is None:
            return None
        text, claim = made
        about = verdict(self.view, claim)
        if about is None or (about == "absent") != kind.startswith("absent"):
            return None
        if self.rng.random() < 0.22 and "," not in text and not text.startswith(("any ", "whichever ")):
            definite = text if text.startswith(("the ", "a ", "that ")) else f"the {text}"
            text = self._pick(LEADS).format(definite)
        if len(text.split()) > MOST_WORDS:
            return None
        return Said(_with_articles(text), None if isinstance(about, str) else about, kind)

    def _name(self) -> tuple[str, Claim] | None:
        kind = self._pick(self._kinds)
        name = self._called(kind)
        return self._pick(NAMED[:3] if uncounted(name) else NAMED).format(n=name), Called(kind)

    def _colour(self) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None or (colour := self._pick(self._of(kind)).colour) is None:
            return None
        return self._pick(COLOURED).format(c=colour, n=self._called(kind)), Both(Called(kind), Coloured(colour))

    def _size(self) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None:
            return None
        biggest = bool(self.rng.random() < 0.5)
        name = self._called(kind)
        pair = len(self._of(kind)) == 2
        words = OF_TWO[biggest] if pair and self.rng.random() < 0.5 else BIGGEST if biggest else SMALLEST
        text = self._pick([text for text in words if "rest" not in text or not pair])
        return text.format(n=name, s=plural(name)), Extreme(Called(kind), biggest)

    def _position(self) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None:
            return None
        name, own = self._called(kind), Called(kind)
        if self.rng.random() < 0.35:
            down, across = self._pick(("top", "bottom")), self._pick(("left", "right"))
            word = down if self.rng.random() < 0.6 else {"top": "upper", "bottom": "lower"}[down]
            text = self._pick(CORNERS).format(v=word, h=across, n=name)
            return text, Both(own, Both(InPart(down, CORNER), InPart(across, CORNER)))
        side = self._pick((*SIDES, "middle"))
        return self._pick(PARTS[side]).format(n=name), Both(own, InPart(side))

    def _order(self) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None:
            return None
        name, of, count = self._called(kind), Called(kind), len(self._of(kind))
        if count == 3 and self.rng.random() < 0.4:
            return self._pick(MIDDLE).format(n=name, s=plural(name)), MiddleOfThree(of)
        rank = int(self.rng.integers(count))
        side = self._pick(SIDES)
        if rank == 0 or count == 2:
            return self._pick(FIRST[side]).format(n=name), Rank(of, side, 0)
        return self._later(name, side, rank), Rank(of, side, rank)

    def _later(self, name: str, side: str, rank: int) -> str:
        words = {"o": ORDINALS[rank], "number": NUMBERS[rank], "side": side, "n": name, "s": plural(name)}
        return self._pick(LATER).format(**words)

    def _near(self) -> tuple[str, Claim] | None:
        return self._by_distance(NEARBY, 0)

    def _closest(self) -> tuple[str, Claim] | None:
        return self._by_distance(CLOSEST, 1)

    def _farthest(self) -> tuple[str, Claim] | None:
        return self._by_distance(FARTHEST, -1)

    def _by_distance(self, words: Sequence[str], ordered: int) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None or (found := self._anchor(kind)) is None:
            return None
        return self._pick(words).format(n=self._called(kind), a=found[1]), Near(Called(kind), found[0], ordered)

    def _towards(self) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None or (found := self._anchor(kind)) is None:
            return None
        way = self._pick(WAYS)
        return self._pick(TOWARDS[way]).format(n=self._called(kind), a=found[1]), Towards(Called(kind), found[0], way)

    def _between(self) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None:
            return None
        name, of = self._called(kind), Called(kind)
        pairs = [other for other in self._groups if other != kind and len(self._of(other)) == 2]
        if pairs and self.rng.random() < 0.5:
            pair = self._pick(pairs)
            one, other = (i for i, obj in enumerate(self.view.objects) if obj.kind == pair)
            return self._pick(BETWEEN_TWO).format(n=name, s=plural(self._called(pair))), Between(of, (one, other))
        first, second = self._anchor(kind), self._anchor(kind)
        if first is None or second is None or first[0] == second[0]:
            return None
        return self._pick(BETWEEN).format(n=name, a=first[1], b=second[1]), Between(of, (first[0], second[0]))

    def _combined(self) -> tuple[str, Claim] | None:
        kind = self._group()
        if kind is None or (colour := self._pick(self._of(kind)).colour) is None:
            return None
        name = self._called(kind)
        of = Both(Called(kind), Coloured(colour))
        if isinstance(verdict(self.view, of), int):
            return None  # the colour alone would do
        style = self._pick(("part", "size", "rank", "relation"))
        coloured = f"{colour} {name}"
        if style == "part":
            side = self._pick(SIDES)
            return self._pick(COMBINED[side]).format(c=colour, n=name), Both(of, InPart(side))
        if style == "size":
            biggest = bool(self.rng.random() < 0.5)
            words = ("the big {}", "biggest {}", "the larger {}") if biggest else ("the small {}", "smallest {}", "the smaller {}")
            return self._pick(words).format(coloured), Extreme(of, biggest)
        if style == "rank":
            side = self._pick(SIDES)
            return self._pick(FIRST[side]).format(n=coloured), Rank(of, side, 0)
        found = self._anchor(kind)
        if found is None:
            return None
        if self.rng.random() < 0.5:
            return self._pick(CLOSEST).format(n=coloured, a=found[1]), Near(of, found[0], 1)
        way = self._pick(WAYS)
        return self._pick(TOWARDS[way]).format(n=coloured, a=found[1]), Towards(of, found[0], way)

    def _absent_name(self) -> tuple[str, Claim] | None:
        kind, name = self._missing()
        if self.rng.random() < 0.4:
            name = f"{self._pick(COLOURS)} {name}"
        return self._pick(NAMED[:3] if uncounted(name) else NAMED[:4]).format(n=name), Called(kind)

    def _absent_colour(self) -> tuple[str, Claim] | None:
        kind = self._pick(self._kinds)
        own = [obj.colour for obj in self._of(kind)]
        free = [colour for colour in COLOURS if all(one is not None and not confusable(one, colour) for one in own)]
        if not free:
            return None
        colour = self._pick(free)
        name = self._called(kind)
        return self._pick(COLOURED[:2] if uncounted(name) else COLOURED).format(c=colour, n=name), Both(
            Called(kind), Coloured(colour)
        )

    def _absent_anchor(self) -> tuple[str, Claim] | None:
        name = self._called(self._pick(self._kinds))
        kind, missing = self._missing()
        words = self._pick((NEARBY, CLOSEST, *TOWARDS.values()))
        return self._pick(words).format(n=name, a=f"the {missing}"), Called(kind)

    def _absent_place(self) -> tuple[str, Claim] | None:
        kind = self._pick(self._kinds)
        name, count = self._called(kind), len(self._of(kind))
        if 2 <= count < len(ORDINALS) and self.rng.random() < 0.35:
            side = self._pick(SIDES[:2])
            return self._later(name, side, count), Rank(Called(kind), side, count)
        side = self._pick(SIDES)
        plain = [text for text in PARTS[side] if " on the " in text or " at the " in text or " half" in text or " part " in text]
        return self._pick(plain).format(n=name), Both(Called(kind), InPart(side))

    def _missing(self) -> tuple[str, str]:
        kind = self._pick(sorted(self.absent))
        return kind, self._pick(self.absent[kind])

    def _anchor(self, kind: str) -> tuple[int, str] | None:
        """An object of another kind, and words that describe only it."""
        index = int(self.rng.integers(len(self.view.objects)))
        obj = self.view.objects[index]
        if obj.kind == kind:
            return None
        name, claim = self._called(obj.kind), Called(obj.kind)
        if verdict(self.view, claim) == index:
            articles = ("the",) if uncounted(name) else ("the", "the", "the", "a", "that")
            return index, f"{self._pick(articles)} {name}"
        if obj.colour is not None and verdict(self.view, Both(claim, Coloured(obj.colour))) == index:
            return index, f"the {obj.colour} {name}"
        return None

    def _group(self) -> str | None:
        return self._pick(self._groups) if self._groups else None

    def _of(self, kind: str) -> list[SceneObject]:
        return [obj for obj in self.view.objects if obj.kind == kind]

    def _called(self, kind: str) -> str:
        """A name that fits all objects of a kind; mostly the first."""
        objects = self._of(kind)
        common = [name for name in objects[0].names if all(name in obj.names for obj in objects)]
        return common[0] if self.rng.random() < 0.6 else self._pick(common)

    def _pick(self, options: Sequence[Any]) -> Any:
        return options[int(self.rng.integers(len(options)))]


def uncounted(name: str) -> bool:
    """Whether a name is a plural, a pair or a mass, which nobody counts: "sunglasses", "popcorn"."""
    last = name.split()[-1]
    return " of " in name or last in MASSES or (last.endswith("s") and last not in SINGULAR_IN_S)


def plural(name: str) -> str:
    """The plural of a name that is not `uncounted`."""
    *first, last = name.split()
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last not in _UNCHANGED:
        if last.endswith("y") and last[-2] not in "aeiou":
            last = last[:-1] + "ies"
        else:
            last += "es" if last.endswith(("s", "sh", "ch", "x", "tomato", "potato", "buffalo", "mango")) else "s"
    return " ".join((*first, last))


def _with_articles(text: str) -> str:
    """The text with "an" for "a" before vowels."""
    words = text.split()
    for place, (word, following) in enumerate(pairwise(words)):
        if word == "a" and following[0] in "aeiou" and not following.startswith(("uni", "us", "ufo", "uk")):
            words[place] = "an"
    return " ".join(words)


def _same(one: Said, other: Said) -> bool:
    """Whether two phrases would test the same thing in the same way."""
    return one.text == other.text or (one.kind == other.kind and one.target == other.target)
