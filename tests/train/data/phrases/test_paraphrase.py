"""Human phrases in other words: of the same meaning, and only where the meaning is sure."""

from __future__ import annotations

import numpy as np
import pytest

from isfp_train.data.phrases.paraphrase import paraphrase


def said(text: str, tries: int = 200) -> set[str]:
    rng = np.random.default_rng(0)
    return {paraphrase(text, rng) for _ in range(tries)}


@pytest.mark.parametrize(
    ("text", "another"),
    [
        ("guy on the left", "the man on left"),
        ("the biggest sofa", "largest couch"),
        ("leftmost bike", "far left bicycle"),
        ("the cup next to the tv", "cup beside the television"),
        ("kid in the middle", "the child in the center"),
    ],
)
def test_a_phrase_is_said_in_other_words(text: str, another: str) -> None:
    found = said(text, 2000)
    assert {text, another} <= found


@pytest.mark.parametrize(
    "text", ["bowl to the left of the plate", "on the left hand", "bottle on the left edge", "the second cup", "what he holds"]
)
def test_what_depends_on_the_rest_of_the_phrase_stays(text: str) -> None:
    assert {phrase.removeprefix("the ") for phrase in said(text)} == {text.removeprefix("the ")}


def test_sides_are_never_exchanged() -> None:
    for text, other in (("the man on the left", "right"), ("rightmost kid on the right side", "left")):
        assert all(other not in phrase.split() and f"{other}most" not in phrase for phrase in said(text))


def test_articles_are_added_only_where_one_can_stand() -> None:
    assert all(
        not phrase.startswith(("the a ", "the what ", "the in "))
        for text in ("a cup", "what he holds", "in red")
        for phrase in said(text)
    )


def test_the_same_seed_gives_the_same_words() -> None:
    first, second = (paraphrase("the guy on the left next to the tv", np.random.default_rng(3)) for _ in range(2))
    assert first == second
