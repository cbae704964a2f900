"""Phrases that tell people apart by their clothes, worded as people type them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isfp_train.data.phrases.geometry import NOTHING
from isfp_train.data.phrases.meaning import DEPTHS, Meaning
from isfp_train.data.phrases.phrases import HELD_OUT_PAIRS
from isfp_train.data.phrases.worn import (
    CALLED,
    Described,
    DressedIn,
    Lacks,
    NotDressedIn,
    Outfit,
    Trait,
    VisibleGarment,
    Wears,
    find,
)
from isfp_train.data.scene import Expression, SceneObject, held_out
from isfp_train.data.sprites.clothing import Garment
from isfp_train.data.sprites.colours import COLOURS

WHO = ("person", "person", "person", "the person", "the person", "the one", "the one", "one", "someone", "somebody",
    "human", "that person",
       "a person", "pedestrian", "the human", "whoever is", "find the person", "select the person")  # fmt: skip
CLOTHES = ("{p} in {g}", "{p} in {g}", "{p} in {a}", "{p} in {a}", "{p} wearing {a}", "{p} wearing {g}",
    "{p} with {a}", "{p} with {g}",
           "{p} dressed in {a}", "{p} who is wearing {a}", "{p} that wears {a}", "{p} with {a} on", "wearing {a}",
           "in {a}")  # fmt: skip
BARE = ("{g}", "{g}", "the {g}", "{g} person", "{g} please")
CARRIED = ("{p} with {a}", "{p} with {g}", "{p} carrying {a}", "{p} holding {a}", "{p} who has {a}", "{p} that has {a}", "with {a}",
           "{p} who carries {a}")  # fmt: skip
ON_HEAD = (
    "{p} with {a}",
    "{p} wearing {a}",
    "{p} in {a}",
    "{p} with {a} on",
    "{p} who has {a} on",
    "wearing {a}",
    "{p} who wears {a}",
)
LACKING = ("{p} without {a}", "{p} with no {w}", "{p} who has no {w}", "{p} not wearing {a}", "{p} who does not have {a}", "no {w}",
           "without {a}")  # fmt: skip
IN_COLOUR = ("{p} in {c}", "{p} in {c}", "{p} in {c}", "{p} wearing {c}", "{p} dressed in {c}", "{p} with {c} clothes",
    "in {c}", "{c} clothes",
             "{p} in {c} clothes", "{p} who wears {c}", "{c} outfit", "{p} with the {c} outfit")  # fmt: skip
ENTIRELY = ("{p} in all {c}", "{p} all in {c}", "{p} dressed in all {c}", "{p} wearing all {c}",
    "{p} dressed all in {c}", "all {c}",
            "{p} in {c} from head to toe")  # fmt: skip
NOT_IN = (
    "{p} not in {c}",
    "{p} not wearing {c}",
    "{p} who is not in {c}",
    "{p} without {c} clothes",
    "not in {c}",
    "{p} not dressed in {c}",
)
JOINED = ("{one} and {two}", "{one} and {two}", "{one} with {two}", "{one}, {two}")
BOTH = (
    "{p} in {one} and {two}",
    "{p} with {one} and {two}",
    "{p} wearing {one} and {two}",
    "{p} in {one} with {two}",
    "{p} in {one} who has {two}",
)
SIDED = {
    "left": ("{x} on the left", "{x} left", "left {x}", "{x} on the left side", "left side {x}", "{x} to the left", "{x} at left"),
    "right": (
        "{x} on the right",
        "{x} right",
        "right {x}",
        "{x} on the right side",
        "right side {x}",
        "{x} to the right",
        "{x} at right",
    ),
    "leftmost": ("leftmost {x}", "{x} on the far left", "far left {x}", "{x} furthest left", "{x} all the way on the left"),
    "rightmost": ("rightmost {x}", "{x} on the far right", "far right {x}", "{x} furthest right", "{x} all the way on the right"),
    "middle": ("{x} in the middle", "middle {x}", "{x} in the centre", "center {x}", "{x} in the center"),
    "front": ("{x} in front", "closest {x}", "{x} closest to us", "front {x}", "{x} nearest to the camera", "{x} in the front",
              "nearest {x}"),
    "back": ("{x} in the back", "{x} furthest away", "back {x}", "{x} at the back", "farthest {x}", "{x} in the background"),
}  # fmt: skip
SIZED = {
    "biggest": ("biggest {x}", "largest {x}"),
    "smallest": ("smallest {x}",),
}
ORDERED = ("{k} {x} from the {s}", "{k} {x} from {s}", "{k} from the {s}", "{k} from {s}", "the {k} {x} from the {s}")
RELATED = {
    "left of": ("{x} left of {y}", "{x} to the left of {y}", "{x} on the left of {y}", "{x} standing left of {y}"),
    "right of": ("{x} right of {y}", "{x} to the right of {y}", "{x} on the right of {y}", "{x} standing right of {y}"),
    "nearest": ("{x} next to {y}", "{x} beside {y}", "{x} near {y}", "{x} standing next to {y}", "{x} closest to {y}"),
}
COUNTED = ("first", "second", "third", "fourth", "fifth", "sixth")
NOUNS = ("person", "person", "person", "one", "human", "pedestrian")
#: Words without a singular: no "a" before them.
PLURAL = frozenset(("pants", "trousers", "jeans", "leggings", "shorts", "sunglasses", "shades", "boots", "shoes",
    "sandals", "heels",
                    "loafers", "sneakers", "trainers"))  # fmt: skip
_CARRIED = frozenset(("bag", "handbag", "purse"))
_ON_HEAD = frozenset(("hat", "sunglasses", "shades", "scarf"))
_FEET = frozenset(("boots", "shoes", "sandals", "heels", "loafers", "sneakers", "trainers"))
_WORDS = tuple(sorted({word for words in CALLED.values() for word in words}))
_TRIES, _SAME_STYLE = 16, 12  # attempts at a phrase, and at one of the same form


def clothes_phrases(
    people: Sequence[SceneObject],
    outfits: Sequence[Outfit],
    size: tuple[int, int],
    rng: np.random.Generator,
    count: int,
    absent: float,
) -> list[Expression]:
    """Up to `count` different phrases, each proved to fit exactly one person, or nobody, without held-out pairs of colour and kind.

    Args:
        people: all people of the scene.
        outfits: what each of them wears, and how much of it is visible.
        size: height and width of the scene in pixels.
        rng: chooses meanings and words.
        count: maximum number of phrases.
        absent: share of phrases about nobody.
    """
    found: dict[str, Expression] = {}
    for _ in range(count):
        missing, style = rng.random() < absent, rng.random()
        for attempt in range(_TRIES):
            if attempt >= _SAME_STYLE:
                style = rng.random()
            said = _absent(outfits, rng) if missing else _present(outfits, style, rng)
            if said is None or not may_say(said):
                continue
            target = find(said, people, outfits, size)
            if target != NOTHING if missing else target < 0:
                continue
            text = words_of(said, len(people), rng)
            if text not in found:
                found[text] = Expression(text, None, "absent") if missing else Expression(text, target, "expression")
                break
    return list(found.values())


def words_of(said: Described, count: int, rng: np.random.Generator) -> str:
    """A wording of a description of one of `count` people, in lower case."""
    if said.picked is None and said.relation is None:
        return _clothed(said.traits, rng)
    alone = not said.traits
    x = _one(rng, NOUNS) if alone else _short(said.traits[0], rng)
    if said.relation is not None and said.anchor is not None:
        y = _one(rng, ("the ", "the ", "")) + _short(said.anchor.traits[0], rng)
        return _one(rng, RELATED[said.relation]).format(x=x, y=y)
    picked = said.picked
    assert picked is not None
    if picked.order is not None:
        return _one(rng, ORDERED[:5] if alone else ORDERED[:2]).format(k=COUNTED[picked.order[0] - 1], s=picked.order[1], x=x)
    if alone and count == 3 and picked.place == "middle" and rng.random() < 0.3:
        return f"{x} between the other two"
    return _one(rng, SIZED[picked.size] if picked.size is not None else SIDED[picked.place or "left"]).format(x=x)


def may_say(said: Described) -> bool:
    """Whether a training phrase may say this: it combines no colour with a kind that `HELD_OUT_PAIRS` keeps for tests."""
    return (said.anchor is None or may_say(said.anchor)) and not any(
        held_out(f"{trait.colour} {kind}", HELD_OUT_PAIRS)
        for trait in said.traits
        if not isinstance(trait, Lacks) and trait.colour is not None
        for kind in (_kinds(trait.word) if isinstance(trait, Wears) else ("person",))
    )


def _kinds(word: str) -> set[str]:
    """The kinds that a word of clothes may mean, and the word itself, by which other data name them."""
    return {word, *(kind for kind, words in CALLED.items() if word in words)}


def _present(outfits: Sequence[Outfit], style: float, rng: np.random.Generator) -> Described | None:
    """A description of a form that `style` (0 to 1) chooses, which may fit somebody."""
    target = int(rng.integers(len(outfits)))
    around = [seen.garment.colour for outfit in outfits for seen in outfit if seen.area and seen.garment.colour is not None]
    if style < 0.11:
        return Described(picked=_picked(len(outfits), rng))
    traits = _traits(outfits[target], around, rng)
    if not traits:
        return None
    if style < 0.70:
        return Described(traits)
    if style < 0.87:
        return Described(traits[:1], picked=_picked(len(outfits), rng))
    if len(outfits) < 2:
        return None
    others = [i for i in range(len(outfits)) if i != target]
    anchor = _traits(outfits[int(rng.choice(others))], around, rng)[:1]
    relation = str(rng.choice(("left of", "right of", "nearest"), p=(0.4, 0.4, 0.2)))
    return Described(traits[:1] if rng.random() < 0.3 else (), relation=relation, anchor=Described(anchor)) if anchor else None


def _traits(outfit: Outfit, around: Sequence[str], rng: np.random.Generator) -> tuple[Trait, ...]:
    """One or two traits that fit an outfit, or that may; `around` are the colours of all outfits."""
    style = rng.random()
    clear = [seen for seen in outfit if seen.clear and _worth_saying(seen.garment)]
    colours = [seen.garment.colour for seen in clear if seen.garment.colour is not None]
    if style < 0.20 and colours:
        colour = _one(rng, colours)
        return (DressedIn(colour, entirely=bool(rng.random() < 0.25)),)
    if style < 0.24:
        return (NotDressedIn(_one(rng, around or COLOURS)),)
    if style < 0.31:
        return (Lacks(_one(rng, ("bag", "hat", "scarf", "sunglasses", "bag"))),)
    if not clear:
        return ()
    told = [_wears(seen, rng) for seen in (clear[i] for i in rng.permutation(len(clear)))]
    if style < 0.80 or len(told) < 2:
        return (told[0],)
    return (told[0], told[1])


def _wears(seen: VisibleGarment, rng: np.random.Generator) -> Wears:
    bare = rng.random() < (0.5 if seen.garment.kind in ("bag", "purse", "hat", "scarf", "sunglasses") else 0.12)
    bare &= CALLED[seen.garment.kind][0] not in _FEET
    return Wears(_one(rng, CALLED[seen.garment.kind]), None if bare else seen.garment.colour)


def _picked(count: int, rng: np.random.Generator) -> Meaning:
    style = rng.random()
    if style < 0.5:
        return Meaning("person", place=_one(rng, ("left", "right", "left", "right", "leftmost", "rightmost", "middle")))
    if style < 0.65:
        return Meaning("person", place=_one(rng, DEPTHS))
    if style < 0.7:
        return Meaning("person", size=_one(rng, tuple(SIZED)))
    return Meaning("person", order=(int(rng.integers(1, max(2, count) + 1)), _one(rng, ("left", "right"))))


def _absent(outfits: Sequence[Outfit], rng: np.random.Generator) -> Described | None:
    """A description that may fit nobody: garments that are present in another colour or on another person, or others."""
    clear = [seen.garment for outfit in outfits for seen in outfit if seen.clear and _worth_saying(seen.garment)]
    style = rng.random()
    if style < 0.15:
        return Described((DressedIn(_one(rng, COLOURS)),))
    if style < 0.25:
        return Described((Wears(_one(rng, ("hat", "scarf", "dress", "skirt", "shorts", "bag", "sunglasses"))),))
    word = _one(rng, CALLED[clear[int(rng.integers(len(clear)))].kind]) if clear and style < 0.75 else _one(rng, _WORDS)
    colours = [garment.colour for garment in clear if garment.colour is not None]
    colour = _one(rng, colours) if colours and rng.random() < 0.5 else _one(rng, COLOURS)
    one = Wears(word, colour)
    if clear and style > 0.9:
        other = clear[int(rng.integers(len(clear)))]
        return Described((one, Wears(_one(rng, CALLED[other.kind]), other.colour)))
    return Described((one,))


def _clothed(traits: Sequence[Trait], rng: np.random.Generator, nouns: Sequence[str] = WHO) -> str:
    """A person with one or two traits."""
    who = _one(rng, nouns)
    if len(traits) == 2:
        first, second = traits
        if isinstance(first, Wears) and isinstance(second, Wears):
            if first.word in _CARRIED | _ON_HEAD | _FEET and second.word not in _CARRIED:
                first, second = second, first  # "in a coat with a bag", not "in a bag with a coat"
            one, two = _garment(first, rng), _garment(second, rng)
            clothes = {first.word, second.word}.isdisjoint(_CARRIED | _ON_HEAD | _FEET)
            if clothes and rng.random() < 0.45:
                return _one(rng, JOINED).format(one=one, two=two)
            return _tidy(_one(rng, BOTH).format(p=who, one=one, two=two))
    (trait, *_) = traits
    if isinstance(trait, DressedIn):
        return _tidy(_one(rng, ENTIRELY if trait.entirely else IN_COLOUR).format(p=who, c=trait.colour))
    if isinstance(trait, NotDressedIn):
        return _tidy(_one(rng, NOT_IN).format(p=who, c=trait.colour))
    if isinstance(trait, Lacks):
        return _tidy(_one(rng, LACKING).format(p=who, w=trait.word, a=_article(trait.word, rng, definite=False)))
    plain = trait.word if trait.colour is None else f"{trait.colour} {trait.word}"
    if trait.word in _CARRIED:
        patterns: Sequence[str] = CARRIED
    elif trait.word in _ON_HEAD or trait.word in _FEET:
        patterns = ON_HEAD
    else:
        patterns = BARE if rng.random() < 0.3 else CLOTHES
    return _tidy(_one(rng, patterns).format(p=who, g=plain, a=_article(plain, rng)))


def _short(trait: Trait, rng: np.random.Generator) -> str:
    """A person with a trait, to follow or precede words of place: begins with a noun, without an article."""
    who = _one(rng, NOUNS)
    if isinstance(trait, DressedIn):
        return f"{who} {_one(rng, ('in', 'in', 'wearing', 'dressed in'))} {'all ' if trait.entirely else ''}{trait.colour}"
    if isinstance(trait, NotDressedIn):
        return f"{who} not {_one(rng, ('in', 'wearing'))} {trait.colour}"
    if isinstance(trait, Lacks):
        return f"{who} without {_article(trait.word, rng, definite=False)}"
    plain = trait.word if trait.colour is None else f"{trait.colour} {trait.word}"
    clothes = trait.word not in _CARRIED | _ON_HEAD | _FEET
    if clothes and trait.colour is not None and rng.random() < 0.35:
        return plain
    verb = _one(rng, ("in", "in", "wearing", "with") if trait.word not in _CARRIED else ("with", "with", "carrying"))
    return f"{who} {verb} {_article(plain, rng) if rng.random() < 0.7 else plain}"


def _worth_saying(garment: Garment) -> bool:
    """Whether it tells people apart: everybody has shoes, so they need a colour."""
    words = CALLED.get(garment.kind, ())
    return bool(words) and (garment.colour is not None or words[0] not in _FEET)


def _garment(trait: Wears, rng: np.random.Generator) -> str:
    plain = trait.word if trait.colour is None else f"{trait.colour} {trait.word}"
    return plain if rng.random() < 0.6 else _article(plain, rng, definite=False)


def _article(plain: str, rng: np.random.Generator, definite: bool = True) -> str:
    if definite and rng.random() < 0.5:
        return f"the {plain}"
    if plain.split()[-1] in PLURAL:
        return plain
    return f"{'an' if plain[0] in 'aeiou' else 'a'} {plain}"


def _tidy(text: str) -> str:
    """Without doubled verbs, as in "whoever is who wears"."""
    for bad, good in (("whoever is who ", "whoever "), ("whoever is that ", "whoever "), ("whoever is with ", "whoever has ")):
        text = text.replace(bad, good)
    return text


def _one(rng: np.random.Generator, choices: Sequence) -> str:
    return choices[int(rng.integers(len(choices)))]
