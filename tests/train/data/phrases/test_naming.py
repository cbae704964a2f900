"""Phrases that only name: they mean everything of that name, or nothing."""

from __future__ import annotations

import numpy as np

from isfp_train.data.phrases.naming import name_phrases
from isfp_train.data.scene import Expression, SceneObject, measure


def obj(place: int, names: tuple[str, ...], kind: str, nameable: bool = True) -> SceneObject:
    mask = np.zeros((40, 200), bool)
    mask[10:30, 20 * place + 2 : 20 * place + 18] = True
    return measure(mask, names, kind, nameable=nameable)


MUGS = [obj(place, ("mug", "cup"), "mug") for place in range(3)]
KEY = obj(4, ("key",), "key")


def said(objects: list[SceneObject], absent: tuple[str, ...] = (), absent_share: float = 0.0, count: int = 60) -> list[Expression]:
    return name_phrases(objects, absent, np.random.default_rng(0), count, absent_share)


def test_a_name_means_every_object_that_has_it() -> None:
    phrases = said([*MUGS, KEY])
    for phrase in phrases:
        assert phrase.kind == "name"
        meant = {phrase.target, *phrase.also}
        assert meant == ({3} if "key" in phrase.text else {0, 1, 2}), phrase
    assert {phrase.target for phrase in phrases} == {0, 1, 2, 3}


def test_several_are_said_in_the_plural_and_both_only_of_two() -> None:
    assert any("mugs" in phrase.text or "cups" in phrase.text for phrase in said(MUGS))
    assert not any("both" in phrase.text for phrase in said(MUGS))
    assert any("both" in phrase.text for phrase in said(MUGS[:2]))
    assert not any("keys" in phrase.text for phrase in said([KEY]))


def test_a_name_that_may_be_another_objects_is_not_said() -> None:
    """A paper cup may be called a cup or a mug, and a mug a paper cup: none of these names is sure."""
    phrases = said([MUGS[0], obj(3, ("paper cup",), "paper cup"), KEY])
    assert {phrase.target for phrase in phrases} == {2}


def test_what_may_not_be_named_is_never_the_target() -> None:
    hidden = obj(5, ("ball",), "ball", nameable=False)
    phrases = said([KEY, hidden])
    assert {phrase.target for phrase in phrases} == {0}
    assert said([hidden]) == []


def test_an_absent_name_has_no_target_and_no_object_may_have_it() -> None:
    phrases = said([*MUGS, KEY], absent=("banana", "cup"), absent_share=1.0)
    assert phrases
    for phrase in phrases:
        assert (phrase.target, phrase.also, phrase.kind) == (None, (), "absent")
        assert "banana" in phrase.text
    assert all(phrase.kind == "name" for phrase in said([KEY], absent=("banana",)))
