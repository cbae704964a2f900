"""The words for things that a vocabulary keeps beside the most frequent ones."""

from __future__ import annotations

from pathlib import Path

from isfp.steps.phrase import Vocabulary, split_words
from isfp_train.data.vocabulary import object_words as module
from isfp_train.data.vocabulary.glove import PACKAGE, build_vocabulary
from isfp_train.data.vocabulary.object_words import object_words
from isfp_train.data.vocabulary.phrase_words import phrase_words


def test_file_is_sorted_and_each_line_is_one_word_as_phrases_are_split() -> None:
    lines = Path(module.__file__).with_name("object_words.txt").read_text(encoding="utf-8").splitlines()
    assert lines == sorted(set(lines))
    assert all(split_words(line) == [line] for line in lines)


def test_everyday_things_are_names_of_objects() -> None:
    vocabulary = Vocabulary.from_words(object_words())
    for noun in "stapler tofu escalator forklift pipette eggplant aubergine toddler grandma dude trowel wheelbarrow".split():
        assert vocabulary.encode(noun, 20).names_object, noun


def test_looks_and_both_spellings_are_known() -> None:
    assert {"striped", "rusty", "skateboarding", "colour", "color", "grey", "gray", "tyre", "tire"} <= object_words()


def test_vocabulary_of_a_full_run_fits_the_bundle() -> None:
    vocabulary, _, _ = build_vocabulary(PACKAGE, 12_000, phrase_words(), object_words())
    assert len(vocabulary) <= 19_000
    assert sum(word in vocabulary for word in object_words()) > 0.99 * len(object_words())
