"""The verdict's rule on words refuses almost no phrase that people wrote for an object, or that training makes for one."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from isfp.steps.phrase import Vocabulary, split_words
from isfp.steps.verdict import why_refused
from isfp_train.data.phrases.clothes import words_of
from isfp_train.data.phrases.meaning import PLACES, SIZES, Meaning
from isfp_train.data.phrases.speech import say
from isfp_train.data.phrases.worn import Described, DressedIn, Lacks, NotDressedIn, Wears
from isfp_train.data.phrases.written import read_written

#: Share of the written phrases: tiles of a game ("double six").
MOST_REFUSED = 0.001


def refused(phrases: list[str]) -> list[str]:
    vocabulary = Vocabulary.from_words(word for phrase in phrases for word in split_words(phrase))
    return [phrase for phrase in phrases if why_refused(vocabulary.encode(phrase, 20), contrast=True) is not None]


def test_phrases_that_people_wrote_are_left_to_the_score() -> None:
    written = read_written([files("isfp_train.data.phrases").joinpath("written_phrases.jsonl")])  # type: ignore[list-item]
    phrases = [phrase.text for group in written.values() for phrase in group if phrase.annotation is not None]
    assert len(phrases) > 5000
    assert len(refused(phrases)) <= MOST_REFUSED * len(phrases)


def test_made_phrases_about_clothes_are_left_to_the_score() -> None:
    rng = np.random.default_rng(1)
    traits = (
        Wears("top", "red"),
        Wears("coat"),
        DressedIn("black"),
        DressedIn("white", entirely=True),
        NotDressedIn("red"),
        Lacks("hat"),
    )
    picked = (
        *(Meaning("person", place=place) for place in ("left", "right", "leftmost", "rightmost", "middle")),
        *(Meaning("person", size=size) for size in ("biggest", "smallest")),
        *(Meaning("person", order=(k, side)) for k in (1, 2, 3) for side in ("left", "right")),
    )
    said = [
        *(Described((trait,)) for trait in traits),
        *(Described((trait,), picked=pick) for trait in traits for pick in picked),
        *(Described(picked=pick) for pick in picked),
    ]
    phrases = [words_of(one, 3, rng) for one in said for _ in range(30)]
    assert refused(phrases) == []


def test_made_phrases_with_a_place_or_size_are_left_to_the_score() -> None:
    rng = np.random.default_rng(1)
    meanings = [Meaning("object", "red"), *(Meaning("mug", place=p) for p in PLACES), *(Meaning("mug", size=s) for s in SIZES)]
    assert refused([say(meaning, rng, "all") for meaning in meanings for _ in range(30)]) == []
