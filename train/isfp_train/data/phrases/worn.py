"""What people in a scene visibly wear, and proofs that a description of clothes fits exactly one of them, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from isfp_train.data.phrases.geometry import DOUBT, GAP, MAYBE, NO, NOTHING, YES, prove
from isfp_train.data.phrases.meaning import DEPTHS, Meaning
from isfp_train.data.scene import SceneObject
from isfp_train.data.sprites.clothing import Garment

_UPPER = frozenset(
    ("blazer", "blouse", "bodysuit", "bra", "cape", "cardigan", "coat", "dress", "hoodie", "intimate", "jacket",
    "jumper", "romper",
     "shirt", "suit", "sweater", "sweatshirt", "swimwear", "t-shirt", "top", "vest")
)  # fmt: skip
_LOWER = frozenset(
    ("dress", "intimate", "jeans", "leggings", "panties", "pants", "romper", "shorts", "skirt", "stockings", "suit", "swimwear",
     "tights", "coat", "cape")
)  # fmt: skip
_FEET = frozenset(("boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "socks", "wedges"))
_BAGS = frozenset(("bag", "purse", "wallet"))
_REST = frozenset(("accessories",))
#: Kinds that people may confuse: whoever wears one of a group may be said to wear another one.
GROUPS: tuple[frozenset[str], ...] = (
    _UPPER, _LOWER, _FEET, _BAGS | _REST, frozenset(("hat", "hoodie")) | _REST, frozenset(("scarf", "tie", "necklace",
    "cape")) | _REST,
    frozenset(("glasses", "sunglasses")) | _REST,
)  # fmt: skip
#: Words that surely fit a kind, most common first.
CALLED: dict[str, tuple[str, ...]] = {
    "shirt": ("shirt", "shirt", "top"), "t-shirt": ("shirt", "t-shirt", "tshirt", "top", "tee"), "blouse": ("shirt",
    "top", "blouse"),
    "top": ("top", "shirt"), "sweater": ("sweater", "jumper", "pullover"), "jumper": ("jumper", "sweater", "pullover"),
    "sweatshirt": ("sweatshirt", "sweater"), "hoodie": ("hoodie",), "cardigan": ("cardigan",), "vest": ("vest",),
    "jacket": ("jacket", "jacket", "coat"), "blazer": ("jacket", "blazer"), "coat": ("coat", "coat", "jacket"),
    "suit": ("suit",),
    "dress": ("dress",), "skirt": ("skirt",), "pants": ("pants", "pants", "trousers"), "jeans": ("jeans", "jeans",
    "pants", "trousers"),
    "leggings": ("leggings",), "shorts": ("shorts",), "bag": ("bag", "bag", "handbag"), "purse": ("bag", "purse", "handbag"),
    "hat": ("hat",), "scarf": ("scarf",), "sunglasses": ("sunglasses", "shades"), "boots": ("boots", "shoes"),
    "sandals": ("sandals", "shoes"), "heels": ("heels", "shoes"), "pumps": ("shoes",), "loafers": ("shoes", "loafers"),
    "flats": ("shoes",), "sneakers": ("sneakers", "shoes", "trainers"), "shoes": ("shoes",),
}  # fmt: skip
#: Share of the person's visible pixels that a garment must have to be named.
_LEAST = {"sunglasses": 0.003, "hat": 0.012, "scarf": 0.02, "bag": 0.02, "purse": 0.02}
_LEAST_FEET, _LEAST_OTHER = 0.01, 0.06
#: Share of a garment that must be visible for its name to be certain, and its minimum number of pixels.
_CLEAR, _CLEAR_PIXELS = 0.6, 24
#: Share of the clothes that must have a colour in "all in black", and in "in black".
_ALL, _MAINLY = 0.9, 0.5
#: Clothes with a smaller share are overlooked.
_MINOR = 0.08

_GROUP_OF_WORD: dict[str, frozenset[str]] = {}
for _kind, _words in CALLED.items():
    for _word in _words:
        _GROUP_OF_WORD[_word] = _GROUP_OF_WORD.get(_word, frozenset()).union(*(group for group in GROUPS if _kind in group))


@dataclass(frozen=True)
class VisibleGarment:
    """A garment in a scene.

    Attributes:
        garment: its kind and colours.
        area: number of its visible pixels, 0 if it is hidden.
        shown: share of it that is visible, 0 to 1.
        share: share of the person's visible pixels, 0 to 1.
    """

    garment: Garment
    area: int
    shown: float
    share: float

    @property
    def clear(self) -> bool:
        """Whether enough of it is visible for people to name it."""
        kind = self.garment.kind
        least = _LEAST.get(kind, _LEAST_FEET if kind in _FEET else _LEAST_OTHER)
        return self.shown >= _CLEAR and self.share >= least and self.area >= _CLEAR_PIXELS


Outfit = tuple[VisibleGarment, ...]


@dataclass(frozen=True)
class Wears:
    """Wears something called `word`, in `colour` if that is not None."""

    word: str
    colour: str | None = None

    def holds(self, outfit: Outfit) -> int:
        """YES, MAYBE or NO."""
        return max((self._fits(seen) for seen in outfit), default=NO)

    def _fits(self, seen: VisibleGarment) -> int:
        kind = seen.garment.kind
        if kind not in _GROUP_OF_WORD[self.word]:
            return NO
        state = YES if seen.clear and self.word in CALLED.get(kind, ()) else MAYBE
        return min(state, _coloured(seen.garment, self.colour)) if self.colour is not None else state


@dataclass(frozen=True)
class Lacks:
    """Wears nothing called `word`. Uncertain if a garment is mostly hidden: head or hand may be too."""

    word: str

    def holds(self, outfit: Outfit) -> int:
        """YES, MAYBE or NO."""
        state = YES - Wears(self.word).holds(outfit)
        return min(state, MAYBE) if any(seen.shown < _CLEAR for seen in outfit) else state


@dataclass(frozen=True)
class DressedIn:
    """Is dressed mainly in `colour`; if `entirely`, almost only in it. Shoes, bags, hats and other small things do not count."""

    colour: str
    entirely: bool = False

    def holds(self, outfit: Outfit) -> int:
        """YES, MAYBE or NO."""
        clothes = [seen for seen in outfit if seen.garment.kind in _UPPER | _LOWER]
        total = sum(seen.area for seen in clothes)
        if total == 0:
            return MAYBE
        sure = sum(seen.area for seen in clothes if _coloured(seen.garment, self.colour) == YES) / total
        never = sum(seen.area for seen in clothes if _coloured(seen.garment, self.colour) == NO) / total
        if self.entirely:
            return YES if sure >= _ALL else (NO if never > 1 - _MAINLY / 2 - _ALL / 2 else MAYBE)
        main = max((seen for seen in clothes if seen.garment.kind in _UPPER), key=lambda seen: seen.area, default=None)
        if main is not None and main.clear and _coloured(main.garment, self.colour) == YES and sure >= _MAINLY:
            return YES
        return NO if never >= 1 - _MINOR else MAYBE


@dataclass(frozen=True)
class NotDressedIn:
    """Wears nothing in `colour`, not even shoes, a bag or a hat; who is dressed mainly in it does not fit."""

    colour: str

    def holds(self, outfit: Outfit) -> int:
        """YES, MAYBE or NO."""
        free = bool(outfit) and all(_coloured(seen.garment, self.colour) == NO for seen in outfit)
        return YES if free else min(MAYBE, YES - DressedIn(self.colour).holds(outfit))


Trait = Wears | Lacks | DressedIn | NotDressedIn


@dataclass(frozen=True)
class Described:
    """A person with all `traits`; among several such people, the one that `place`, `size`, `order` or `relation` picks.

    Attributes:
        traits: what the person wears; none for anybody.
        picked: place, size or order, as a meaning of "person".
        relation: one of the directions, to `anchor`.
        anchor: another person.
    """

    traits: tuple[Trait, ...] = ()
    picked: Meaning | None = None
    relation: str | None = None
    anchor: Described | None = None


def find(said: Described, people: Sequence[SceneObject], outfits: Sequence[Outfit], size: tuple[int, int]) -> int:
    """Return the index of the one person that a description fits, `NOTHING` if certainly nobody fits, else `DOUBT`.

    Args:
        said: the description.
        people: all people of the scene.
        outfits: what each of them wears, and how much of it is visible.
        size: height and width of the scene in pixels.
    """
    states = [min((trait.holds(outfit) for trait in said.traits), default=YES) for outfit in outfits]
    if not any(states):
        return NOTHING
    if MAYBE in states:
        return DOUBT
    fitting = [i for i, state in enumerate(states) if state == YES]
    if said.relation is not None and said.anchor is not None:
        anchor = find(said.anchor, people, outfits, size)
        if anchor < 0 or not people[anchor].nameable:
            return DOUBT
        fitting = [i for i in fitting if i != anchor]
        if not fitting:
            return DOUBT
        asked = [replace(people[anchor], names=("anchor",), kind="anchor"), *(people[i] for i in fitting)]
        found = prove(Meaning("person", relation=said.relation, anchors=(Meaning("anchor"),)), asked, size) - 1
        return _nameable(fitting[found], people) if found >= 0 else DOUBT
    if said.picked is not None:
        chosen = [people[i] for i in fitting]
        found = _by_depth(said.picked.place, chosen, size) if said.picked.place in DEPTHS else prove(said.picked, chosen, size)
        return _nameable(fitting[found], people) if found >= 0 else found
    return _nameable(fitting[0], people) if len(fitting) == 1 else DOUBT


def _by_depth(place: str | None, people: Sequence[SceneObject], size: tuple[int, int]) -> int:
    """Who is closest to the camera, or farthest from it: clearly the biggest and the lowest at the feet, or the opposite.

    `prove` would compare heads too, but the head of a person who stands closer is higher in the frame.
    """
    sign = 1 if place == "front" else -1
    best = prove(Meaning("person", size="biggest" if sign > 0 else "smallest"), people, size)
    if best < 0:
        return DOUBT
    gaps = [sign * (people[best].box[3] - other.box[3]) for i, other in enumerate(people) if i != best]
    return best if min(gaps) >= GAP * size[0] else DOUBT


def _nameable(index: int, people: Sequence[SceneObject]) -> int:
    return index if people[index].nameable else DOUBT


def _coloured(garment: Garment, colour: str) -> int:
    if garment.colour == colour:
        return YES
    return MAYBE if colour in garment.perhaps else NO
