import tracemalloc

import numpy as np
import pytest

from isfp import Segmenter
from isfp.draw import results as draw
from tests.sdk.colour_bundle import picture

SCENE = picture(("red", (40, 60, 240, 300)), ("blue", (380, 200, 560, 400)), size=(480, 640))


@pytest.fixture(scope="module")
def segmenter(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        yield segmenter


def test_the_overlay_tints_the_mask_and_leaves_the_frame_as_it_was(segmenter):
    before = SCENE.copy()
    result = segmenter.run(SCENE, "blue")
    drawn = draw.overlay(SCENE, [result])
    np.testing.assert_array_equal(SCENE, before)
    assert (drawn[300, 470] != SCENE[300, 470]).any()
    np.testing.assert_array_equal(drawn[450:, :300], SCENE[450:, :300])


def test_what_is_not_there_is_written_at_the_foot(segmenter):
    drawn = draw.overlay(SCENE, segmenter.run(SCENE, ["green"]))
    assert (drawn[460:, :100] != SCENE[460:, :100]).any()
    np.testing.assert_array_equal(drawn[:400], SCENE[:400])


def test_the_heat_map_is_bright_where_the_thing_is(segmenter):
    drawn = draw.heat_map(SCENE, segmenter.run(SCENE, "blue"), segmenter.framing).astype(int)
    assert drawn[320, 500].sum() > 2 * drawn[440, 100].sum()


def test_cards_of_found_and_missing_things_differ_in_their_bars(segmenter):
    found, missing = (draw.card(SCENE, result, segmenter.framing, 0.5) for result in segmenter.run(SCENE, ["blue", "green"]))
    assert found.shape == missing.shape
    assert tuple(found[368, 700]) == draw.GOOD
    assert tuple(missing[368, 700]) == draw.FAINT


def test_a_card_of_several_objects_tints_each_in_its_own_colour(segmenter):
    frame = picture(("red", (8, 20, 40, 52)), ("red", (80, 40, 120, 80)))
    several = segmenter.run(frame, "red", several=True)
    one = draw.card(frame, several.best, segmenter.framing, 0.5)
    both = draw.card(frame, several.best, segmenter.framing, 0.5, several.objects)
    changed = np.flatnonzero((one != both).any(axis=2)[50:-60].any(axis=0))
    assert np.ptp(changed) > 30
    sheet = draw.sheet(frame, [several.best], segmenter.framing, 0.5, objects=[several.objects])
    np.testing.assert_array_equal(sheet, draw.grid([both], 1))


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (20, 20), (300, 4000)])
def test_any_size_of_frame_can_be_drawn(segmenter, size):
    frame = np.full((*size, 3), 90, np.uint8)
    results = segmenter.run(frame, ["red", "the " * 300 + "blorp", "ü漢 a"])
    assert draw.overlay(frame, results).shape == frame.shape
    assert draw.sheet(frame, results, segmenter.framing, 0.5).ndim == 3


def test_cards_and_overlays_of_a_large_photo_need_at_most_twice_its_memory(segmenter):
    frame = picture(("red", (400, 400, 2800, 2400)), size=(3000, 4000))
    results = [segmenter.run(frame, "red")]
    assert results[0].found
    for make in (lambda: draw.sheet(frame, results, segmenter.framing, 0.5), lambda: draw.overlay(frame, results)):
        tracemalloc.start()
        make()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 * frame.nbytes


def test_a_card_of_a_large_photo_looks_like_that_of_a_small_one(segmenter):
    large = np.repeat(np.repeat(SCENE, 3, axis=0), 3, axis=1)
    one, other = (draw.card(frame, segmenter.run(frame, "red"), segmenter.framing, 0.5) for frame in (SCENE, large))
    assert one.shape == other.shape
    assert np.abs(one.astype(int) - other)[50:350].mean() < 3


def test_a_grid_holds_every_picture_whole():
    pictures = [np.full((10 * n, 20 * n, 3), n, np.uint8) for n in (1, 2, 3)]
    paper = draw.grid(pictures, columns=2)
    assert paper.shape == (20 + 30, 60, 3)
    assert [(paper == n).all(axis=2).sum() for n in (1, 2, 3)] == [200 * n * n for n in (1, 2, 3)]
