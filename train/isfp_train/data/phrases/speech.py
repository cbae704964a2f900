"""The wording of a meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isfp_train.data.phrases import wording as words
from isfp_train.data.phrases.meaning import Meaning
from isfp_train.data.scene import ANYTHING

MAX_WORDS = 20


def say(meaning: Meaning, rng: np.random.Generator, wording: str = "train", pair: bool = False) -> str:
    """Return a phrase with a meaning.

    Args:
        meaning: the meaning.
        rng: chooses the words.
        wording: patterns to use: "train", "held_out" or "all".
        pair: whether there are exactly two objects, so that "bigger" may replace "biggest", and "the left of the two" "leftmost".

    Returns:
        At most 20 lower-case words.
    """
    for _ in range(8):
        text = _say(meaning, rng, wording, pair)
        if len(text.split()) <= MAX_WORDS:
            return text
    return _say(meaning, rng, wording, pair, short=True)


def _say(meaning: Meaning, rng: np.random.Generator, wording: str, pair: bool, short: bool = False) -> str:
    key = _key(meaning, pair, rng)
    patterns = words.PATTERNS[key]
    unseen = words.HELD_OUT.get(key, ())
    held = wording == "held_out" or (wording == "all" and rng.random() < 0.2)
    if held and unseen:
        pattern, frames, framed = _one(rng, unseen), words.FRAMES, rng.random() < 0.2
    elif held:
        pattern, frames, framed = _one(rng, patterns), words.HELD_OUT_FRAMES, True
    else:
        pattern, frames, framed = _one(rng, patterns), words.FRAMES, rng.random() < 0.25
    phrase = _fill(pattern, meaning, rng)
    framed = framed and not short
    if not pattern.startswith("="):
        start = rng.random()
        if framed or start < 0.6:
            phrase = "the " + phrase
        elif start < 0.66 and not words.is_plural(meaning.noun) and _key(meaning, False, rng) in words.POINTED_AT:
            phrase = "that " + phrase
    if framed:
        phrase = _one(rng, frames).format(x=phrase)
    return _spell(phrase, rng)


def _key(meaning: Meaning, pair: bool, rng: np.random.Generator) -> str:
    if meaning.relation is not None:
        return meaning.relation
    if meaning.order is not None:
        return "rank" if meaning.order[1] in ("biggest", "smallest") else "order"
    if meaning.size is not None:
        comparative = {"biggest": "bigger", "smallest": "smaller"}.get(meaning.size)
        return comparative if comparative and pair and rng.random() < 0.6 else meaning.size
    if meaning.place in ("leftmost", "rightmost") and pair and rng.random() < 0.4:
        return "left of two" if meaning.place == "leftmost" else "right of two"
    return meaning.place or "plain"


def _fill(pattern: str, meaning: Meaning, rng: np.random.Generator) -> str:
    noun, plural = _noun(meaning, rng, plain="{ns}" in pattern or not pattern.lstrip("=").endswith("{n}"))
    if meaning.relation is not None and meaning.size is not None:
        noun = f"{meaning.size} {noun}"
    values = {"n": noun, "ns": plural}
    for slot, anchor in zip("ab", (*meaning.anchors, *(meaning.second or ())[1:]), strict=False):
        article = "the " if rng.random() < 0.8 or anchor.place or anchor.size else ""
        values[slot] = article + _anchor(anchor, rng)
    if meaning.relation == "between pair":
        values["as"] = _noun(meaning.anchors[0], rng, plain=True)[1]
    if meaning.second is not None:
        pattern += " " + _one(rng, words.SECOND[meaning.second[0]])
    if meaning.order is not None:
        k, side = meaning.order
        values |= {"o": _one(rng, words.ORDINALS[k - 1]), "k": _one(rng, (words.NUMBERS[k - 1], str(k))), "side": side}
        if side in words.ADJECTIVES:
            values["side"] = _one(rng, words.ADJECTIVES[side])
    return pattern.lstrip("=").format(**values)


def _anchor(anchor: Meaning, rng: np.random.Generator) -> str:
    """The name and colour of an anchor, and the adjective that selects it."""
    noun = _noun(anchor, rng, plain=True)[0]
    adjectives = words.ADJECTIVES.get(anchor.place or anchor.size or "", ())
    return f"{_one(rng, adjectives)} {noun}" if adjectives else noun


def _noun(meaning: Meaning, rng: np.random.Generator, plain: bool) -> tuple[str, str]:
    """The noun with its colour, and its plural; with `plain`, the colour precedes the noun."""
    noun = _one(rng, words.ANYTHINGS) if meaning.noun == ANYTHING else meaning.noun
    several = words.plural(noun)
    if meaning.excluded is not None:
        pattern = _one(rng, words.NEGATED_SEVERAL if words.is_plural(noun) else words.NEGATED)
        return pattern.format(c=meaning.excluded, n=noun), several
    if meaning.colour is None:
        return noun, several
    if noun in words.WEARERS:
        pattern = _one(rng, words.WORN)
        return pattern.format(c=meaning.colour, n=noun), pattern.format(c=meaning.colour, n=several)
    pattern = "{c} {n}" if plain else _one(rng, words.COLOURED)
    return pattern.format(c=meaning.colour, n=noun), f"{meaning.colour} {several}"


def _spell(phrase: str, rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        return phrase
    return " ".join(words.SPELLINGS.get(word, word) for word in phrase.split())


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
