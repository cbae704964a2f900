"""One look at a frame, many questions: a view answers them without a second image stage, as long as its frame is there."""

from __future__ import annotations

import numpy as np
import pytest

from isfp import IsfpError, PhraseError, Segmenter, StaleViewError
from tests.sdk.colour_bundle import GRID, HEIGHT, WIDTH, picture
from tests.sdk.counting_runtime import CountingRuntime
from tests.sdk.host_device import HostRuntime

SCENE = picture(("red", (8, 20, 40, 52)), ("red", (80, 40, 120, 80)))
OTHER = picture(("blue", (8, 20, 40, 52)))


@pytest.fixture
def counting(colour_bundle):
    runtime = CountingRuntime()
    with Segmenter(colour_bundle, runtime=runtime) as segmenter:
        yield segmenter, runtime


@pytest.fixture(params=["onnxruntime", "device memory"])
def segmenter(request, colour_bundle):
    with Segmenter(colour_bundle, "onnxruntime" if request.param == "onnxruntime" else HostRuntime()) as segmenter:
        yield segmenter


def test_run_is_one_look_and_one_find(segmenter):
    for text in ("the red thing", ["blue", "red"]):
        ran, found = segmenter.run(SCENE, text), segmenter.look(SCENE).find(text)
        for one, other in zip(np.atleast_1d(ran), np.atleast_1d(found), strict=True):
            assert (one.text, one.found, one.score, one.box, one.cell) == (
                other.text,
                other.found,
                other.score,
                other.box,
                other.cell,
            )
            np.testing.assert_array_equal(one.mask, other.mask)
            np.testing.assert_array_equal(one.identifying_map, other.identifying_map)


def test_candidates_of_a_view_are_those_of_the_segmenter(segmenter):
    alone = segmenter.candidates(SCENE, "red", k=2)
    view = segmenter.look(SCENE)
    view.find("red")
    for one, other in zip(view.candidates("red", k=2), alone, strict=True):
        assert (one.score, one.box, one.cell) == (other.score, other.box, other.cell)
        np.testing.assert_array_equal(one.mask, other.mask)


def test_asking_again_runs_no_image_stage_and_no_identify_stage_for_phrases_met_before(counting):
    segmenter, runtime = counting
    view = segmenter.look(SCENE)
    view.find("red")
    assert runtime.ran == [("image", 1), ("text", 1), ("identify", 1), ("mask", 1)]
    runtime.ran.clear()
    view.candidates("red", k=2)
    assert runtime.ran == [("mask", 1)]
    runtime.ran.clear()
    view.find(["red", "green"])
    assert runtime.ran == [("text", 1), ("identify", 1), ("mask", 1)]


def test_no_phrases_run_the_image_stage_alone(counting):
    segmenter, runtime = counting
    assert segmenter.look(SCENE).find([]) == []
    assert runtime.ran == [("image", 1)]


def test_phrases_are_computed_once_though_the_cache_keeps_none(colour_bundle):
    runtime = CountingRuntime()
    with Segmenter(colour_bundle, runtime=runtime, cache=0) as segmenter:
        segmenter.look(SCENE).find(["red", "blue"])
    assert runtime.count("text") == 1


def test_identify_gives_a_map_for_each_phrase_in_order(segmenter):
    view = segmenter.look(SCENE)
    maps = view.identify(["red", "green", "Red!"])
    assert (maps.shape, maps.dtype) == ((3, GRID, GRID), np.float32)
    np.testing.assert_array_equal(maps[0], maps[2])
    np.testing.assert_array_equal(maps[1], view.find("green").identifying_map)
    maps[:] = 0
    assert view.find("red").score > 0.9, "what was returned is the caller's own"


def test_masks_gives_any_cells_and_stays_when_the_stage_runs_again(segmenter):
    view = segmenter.look(SCENE)
    result = view.find("red")
    own = result.cell[0] * GRID + result.cell[1]
    logits = view.masks(["red", "red"], [[own, 0], [GRID * GRID - 1, own]])
    assert logits.shape == (2, 2, HEIGHT, WIDTH)
    np.testing.assert_array_equal(view.letterbox.mask(logits[0, 0]), result.mask)
    np.testing.assert_array_equal(logits[0, 0], logits[1, 1])
    kept = logits.copy()
    view.masks(["blue"], [[0]])
    np.testing.assert_array_equal(logits, kept)


@pytest.mark.parametrize("cells", [[0], [[0], [1]], [[]], [[-1]], [[GRID * GRID]], [[0.5]]])
def test_cells_that_the_grid_does_not_have_are_refused(segmenter, cells):
    with pytest.raises(IsfpError, match=r"expected whole numbers from 0 to 15, \[P,K\] with P = 1"):
        segmenter.look(SCENE).masks(["red"], cells)


def test_a_threshold_is_that_of_one_question(segmenter):
    view = segmenter.look(picture(("red", (8, 20, 24, 36))))
    assert not view.find("red").found
    assert view.find("red", threshold=0.001).found
    assert not view.find("red").found
    assert segmenter.run(SCENE, "red", threshold=1.0).found is False
    with pytest.raises(IsfpError, match="The threshold is 1.5; expected a score from 0 to 1"):
        view.find("red", threshold=1.5)
    with pytest.raises(AttributeError):
        segmenter.threshold = 0.0


def test_a_view_of_a_frame_that_is_gone_says_so(segmenter):
    view = segmenter.look(SCENE)
    result = view.find("red")
    mask = result.mask.copy()
    newer = segmenter.look(OTHER)
    for ask in (
        lambda: view.find("red"),
        lambda: view.find([]),
        lambda: view.candidates("red"),
        lambda: view.identify(["red"]),
        lambda: view.masks(["red"], [[0]]),
    ):
        with pytest.raises(StaleViewError, match="looked at another frame since"):
            ask()
    assert newer.find("blue").found
    np.testing.assert_array_equal(result.mask, mask)


def test_a_frame_that_is_refused_leaves_the_view_before_it_valid(segmenter):
    view = segmenter.look(SCENE)
    with pytest.raises(ValueError, match="The frame is None"):
        segmenter.look(None)
    assert view.find("red").found


def test_a_bad_phrase_leaves_the_view_valid(segmenter):
    view = segmenter.look(SCENE)
    with pytest.raises(PhraseError):
        view.find(["red", "?!"])
    assert view.find("red").found


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_candidate_is_refused(segmenter, k):
    with pytest.raises(IsfpError, match="number of candidates is .*; expected a whole number, 1 or more"):
        segmenter.look(SCENE).candidates("red", k)


def test_milliseconds_of_every_question_begin_with_those_of_the_look(segmenter):
    view = segmenter.look(SCENE)
    first, second = dict(view.find("red").milliseconds), dict(view.find("blue").milliseconds)
    assert (first["frame"], first["image"]) == (second["frame"], second["image"])
    for milliseconds in (first, second):
        total = milliseconds.pop("total")
        assert list(milliseconds) == ["frame", "image", "text", "identify", "lookup", "mask", "restore"]
        assert sum(milliseconds.values()) == pytest.approx(total)
