"""Proofs of meanings on scenes of plain boxes."""

from __future__ import annotations

import pytest

from isfp_train.data.phrases.geometry import DOUBT, NOTHING, prove
from isfp_train.data.phrases.meaning import Meaning
from isfp_train.data.scene import SceneObject

SIZE = (400, 400)
PLATES = (Meaning("plate", place="leftmost"), Meaning("plate", place="rightmost"))


def box(name: str, x: float, y: float, side: float = 40, colour: str = "red") -> SceneObject:
    edges = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return SceneObject((name,), name, colour, edges, (x, y), side * side, nameable=True)


@pytest.mark.parametrize(("place", "index"), [("front", 0), ("back", 1)])
def test_closest_to_the_camera_is_both_lower_and_bigger(place: str, index: int) -> None:
    objects = [box("mug", 100, 300, 90), box("mug", 300, 80, 40)]
    assert prove(Meaning("mug", place=place), objects, SIZE) == index
    assert prove(Meaning("mug", place=place), [box("mug", 100, 300, 40), box("mug", 300, 80, 90)], SIZE) == DOUBT


def test_between_the_two_of_a_name_needs_exactly_two() -> None:
    objects = [box("plate", 50, 200), box("plate", 350, 200), box("mug", 200, 200), box("mug", 200, 30)]
    meaning = Meaning("mug", relation="between pair", anchors=PLATES)
    assert prove(meaning, objects, SIZE) == 2
    assert prove(meaning, [*objects, box("plate", 200, 350)], SIZE) == DOUBT


def test_a_relation_to_an_absent_anchor_fits_nothing() -> None:
    objects = [box("mug", 100, 200), box("mug", 300, 200)]
    assert prove(Meaning("mug", relation="nearest", anchors=(Meaning("zebra"),)), objects, SIZE) == NOTHING


def test_a_second_relation_to_an_absent_anchor_fits_nothing() -> None:
    objects = [box("mug", 100, 200), box("plate", 300, 200)]
    meaning = Meaning("mug", relation="left of", anchors=(Meaning("plate"),), second=("above", Meaning("zebra")))
    assert prove(meaning, objects, SIZE) == NOTHING


def test_nearest_of_three_alike_needs_a_clear_margin() -> None:
    near = Meaning("mug", relation="nearest", anchors=(Meaning("plate"),))
    mugs = [box("mug", 60, 200), box("mug", 200, 200), box("mug", 340, 200)]
    assert prove(near, [*mugs, box("plate", 340, 270)], SIZE) == 2
    assert prove(near, [*mugs, box("plate", 270, 230)], SIZE) == DOUBT


def test_middle_of_three_and_order_beyond_the_count() -> None:
    mugs = [box("mug", 60, 200), box("mug", 200, 200), box("mug", 340, 200)]
    assert prove(Meaning("mug", place="middle"), mugs, SIZE) == 1
    assert prove(Meaning("mug", order=(2, "left")), mugs, SIZE) == 1
    assert prove(Meaning("mug", order=(4, "left")), mugs, SIZE) == NOTHING
