from __future__ import annotations

import collections
import re
from dataclasses import replace

import numpy as np
import pytest

from isfp_train.data.phrases import wording
from isfp_train.data.phrases.phrases import MadePhrase, make_phrases
from isfp_train.data.scene import ANYTHING, Scene
from isfp_train.data.scenes.compose import ComposedScenes, ProceduralScenes
from isfp_train.data.sprites.names import may_be_called
from tests.train.data.phrases import truth

SCENES = 250


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    source = ProceduralScenes(size=160)
    return [source.scene(seed) for seed in range(SCENES)]


@pytest.fixture(scope="module")
def spoken(scenes: list[Scene]) -> list[tuple[Scene, MadePhrase]]:
    found = []
    for seed, scene in enumerate(scenes):
        bare = [replace(obj, mask=None) for obj in scene.objects]
        rng = np.random.default_rng(seed)
        found += [(scene, expression) for expression in make_phrases(bare, scene.image.shape[:2], rng, 10, "all")]
    return found


def test_a_second_opinion_finds_exactly_the_target(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    checked = 0
    for scene, expression in spoken:
        if expression.target is not None:
            assert truth.surely_is(expression.meaning, scene.objects[expression.target]), expression
            assert truth.fits(expression.meaning, scene) == [expression.target], expression
            checked += 1
    assert checked > 5 * SCENES


def test_a_second_opinion_finds_nothing_for_absent_phrases(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    checked = 0
    for scene, expression in spoken:
        if expression.target is None:
            assert truth.fits(expression.meaning, scene) == [], expression
            checked += 1
    assert checked > 100


def test_an_absent_noun_is_neither_another_name_nor_a_wider_or_narrower_one(
    spoken: list[tuple[Scene, MadePhrase]],
) -> None:
    for scene, expression in spoken:
        if (
            expression.target is None
            and expression.meaning.colour is None
            and not any(expression.meaning.noun in obj.names for obj in scene.objects)
        ):
            last = expression.meaning.noun.split()[-1]
            for obj in scene.objects:
                assert all(name.split()[-1] != last for name in obj.names), (expression, obj.names)


def test_targets_and_anchors_are_nameable(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    for scene, expression in spoken:
        if expression.target is not None:
            assert scene.objects[expression.target].nameable
        for anchor in expression.meaning.anchors if expression.target is not None else ():
            assert scene.objects[truth.the_one(anchor, scene)].nameable


def test_every_kind_of_phrase_occurs_and_comparisons_dominate(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    counts = collections.Counter(expression.kind for _, expression in spoken)
    assert set(counts) == {"unique", "colour", "negation", "position", "order", "size", "relation", "absent"}
    total = sum(counts.values())
    assert counts.pop("negation") / total > 0.01
    assert 0.06 < counts["absent"] / total < 0.20
    assert counts["unique"] / total < 0.25
    assert min(counts.values()) / total > 0.04


def test_phrases_hold_at_most_twenty_plain_words(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    for _, expression in spoken:
        assert re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", expression.text), expression
        assert len(expression.text.split()) <= 20


def test_the_words_say_the_meaning(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    for _, expression in spoken:
        meaning, text = expression.meaning, expression.text.replace("gray", "grey")
        if meaning.noun != ANYTHING:
            assert meaning.noun in text or wording.plural(meaning.noun) in text, expression
        else:
            assert any(word in text or wording.plural(word) in text for word in wording.ANYTHINGS), expression
        if meaning.colour is not None:
            assert meaning.colour in text.split(), expression
        for anchor in meaning.anchors:
            assert anchor.noun in text or wording.plural(anchor.noun) in text, expression


def test_two_relations_are_said_with_both_of_their_objects(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    double = [expression for _, expression in spoken if expression.meaning.second is not None]
    assert len(double) > 20
    for expression in double:
        assert expression.meaning.second is not None
        assert expression.meaning.second[1].noun in expression.text, expression
        assert " and " in expression.text


def test_a_negated_phrase_means_an_object_of_another_colour(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    negated = [(scene, r) for scene, r in spoken if r.meaning.excluded is not None and r.target is not None]
    assert len(negated) > 20
    for scene, expression in negated:
        assert expression.meaning.excluded in expression.text.replace("gray", "grey").split()
        assert scene.objects[expression.target or 0].colour != expression.meaning.excluded


def test_held_out_pairs_of_colour_and_object_are_never_said_in_training(scenes: list[Scene]) -> None:
    seen, kept = set(), set()
    for seed, scene in enumerate(scenes):
        for pairs, found in (("train", seen), ("held_out", kept)):
            for expression in make_phrases(scene.objects, scene.image.shape[:2], np.random.default_rng(seed), 8, pairs=pairs):
                if expression.target is not None and (colour := expression.meaning.colour or expression.meaning.excluded):
                    found.add((colour, scene.objects[expression.target].kind))
                for anchor in expression.meaning.anchors:
                    if anchor.colour is not None:
                        found.add((anchor.colour, scene.objects[truth.the_one(anchor, scene)].kind))
                assert pairs == "train" or expression.meaning.colour is not None
    assert len(seen) > 50
    assert len(kept) > 5
    assert not seen & kept


def test_same_random_numbers_same_phrases(scenes: list[Scene]) -> None:
    scene = scenes[3]
    size = scene.image.shape[:2]
    again = [make_phrases(scene.objects, size, np.random.default_rng(9), 8) for _ in range(2)]
    assert again[0] == again[1]


def test_phrases_of_one_scene_differ(scenes: list[Scene]) -> None:
    for seed, scene in enumerate(scenes[:50]):
        expressions = make_phrases(scene.objects, scene.image.shape[:2], np.random.default_rng(seed), 10)
        assert len({expression.meaning for expression in expressions}) == len(expressions)


def test_unknown_wordings_are_refused(scenes: list[Scene]) -> None:
    with pytest.raises(ValueError, match="held_out"):
        make_phrases(scenes[0].objects, (160, 160), np.random.default_rng(0), 1, "test")


def _skeleton(expression: MadePhrase) -> str:
    """The text without the names in it."""
    text = expression.text
    for meaning in (expression.meaning, *expression.meaning.anchors):
        for word in (
            wording.plural(meaning.noun),
            meaning.noun,
            meaning.colour or "",
            "gray" if meaning.colour else "",
        ):
            text = re.sub(rf"\b{word}\b", "", text) if word else text
    return " ".join(text.split())


def test_held_out_wordings_are_never_used_in_training(scenes: list[Scene]) -> None:
    patterns = [p for group in wording.HELD_OUT.values() for p in group] + list(wording.HELD_OUT_FRAMES)
    assert len(patterns) >= 12
    marks = "could you hand me,i am looking for,would you pass me,extreme,end,over on,than all the others,place from"
    telling = {*marks.split(","), "located", "on its", "adjacent", "on either side", "flanked", "distant", "neighbouring", "viewer"}
    for seed, scene in enumerate(scenes[:120]):
        size = scene.image.shape[:2]
        for expression in make_phrases(scene.objects, size, np.random.default_rng(seed), 8, "train"):
            assert not any(re.search(rf"\b{mark}\b", _skeleton(expression)) for mark in telling), expression
        for expression in make_phrases(scene.objects, size, np.random.default_rng(seed), 8, "held_out"):
            assert any(re.search(rf"\b{mark}\b", _skeleton(expression)) for mark in telling), expression


_SIDES = {
    "left of": (0, 1),
    "next left": (0, 1),
    "right of": (0, -1),
    "next right": (0, -1),
    "above": (1, 1),
    "below": (1, -1),
}


def test_left_of_an_anchor_is_not_always_the_leftmost(spoken: list[tuple[Scene, MadePhrase]]) -> None:
    """Who reads only the direction, not the anchor, must fail often."""
    misled = total = 0
    for scene, expression in spoken:
        along, sign = _SIDES.get(expression.meaning.relation or "", (0, 0))
        if expression.target is None or not sign:
            continue
        like = [i for i, obj in enumerate(scene.objects) if obj.kind == scene.objects[expression.target].kind]
        if len(like) < 2:
            continue
        total += 1
        misled += min(like, key=lambda i: sign * scene.objects[i].centre[along]) != expression.target
    assert total > 50
    assert misled / total > 0.3


def test_most_scenes_hold_distractors() -> None:
    source = ComposedScenes(size=96)
    shares = []
    for seed in range(200):
        kinds = [obj.kind for obj in source.scene(seed).objects]
        shares.append(len(set(kinds)) < len(kinds))
    assert np.mean(shares) > 0.7


@pytest.mark.parametrize(("one", "other"), [("mug", "cup"), ("car", "truck"), ("sports ball", "ball"), ("mouse", "rat")])
def test_near_kinds_are_never_proved_apart(one: str, other: str) -> None:
    assert may_be_called(one, other)
    assert may_be_called(other, one)
