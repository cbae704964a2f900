"""What a result says about doubt, and several objects for one phrase."""

from __future__ import annotations

import numpy as np

from isfp import NotFoundReason, Segmentation
from tests.sdk.colour_bundle import picture

ONE, OTHER = (8, 20, 40, 52), (80, 40, 120, 80)
TWO_RED = picture(("red", ONE), ("red", OTHER))


def test_two_objects_of_like_score_are_ambiguous(segmenter):
    result = segmenter.run(TWO_RED, "red")
    assert result.found
    assert result.ambiguous
    (rival,) = result.rivals
    assert rival.cell == segmenter.candidates(TWO_RED, "red", 2)[1].cell
    assert rival.score > 0.8 * result.score
    assert result.notes == ["ambiguous: 1 other object scores about as high"]
    assert result.to_json()["rivals"] == [{"cell": list(rival.cell), "score": round(rival.score, 4)}]


def test_one_object_is_not_ambiguous(segmenter):
    result = segmenter.run(picture(("red", ONE), ("blue", OTHER)), "red")
    assert (result.ambiguous, result.rivals, result.pieces, result.notes) == (False, (), 1, [])


def test_what_is_not_found_has_no_rivals(segmenter):
    assert segmenter.run(TWO_RED, "red", threshold=1.0).rivals == ()


def test_a_mask_of_two_objects_keeps_the_one_at_the_cell(segmenter):
    near = picture(("red", (30, 30, 58, 70)), ("red", (64, 30, 90, 70)))  # within reach of one cell's mask
    result = segmenter.run(near, "red")
    assert result.pieces == 2
    x1, _, x2, _ = result.box
    assert x2 - x1 < 34
    assert "mask in 2 pieces, only the one at the best cell is kept" in result.notes
    assert result.to_json()["pieces"] == 2


def test_several_gives_each_object_with_its_own_mask(segmenter, runtime):
    mugs = segmenter.run(TWO_RED, "red", several=True)
    assert runtime.ran == [("image", 1), ("text", 1), ("identify", 1), ("mask", 1)]
    assert len(mugs) == 2
    assert mugs.found
    assert mugs.reason is None
    assert sorted(one.box[0] // 40 for one in mugs) == [0, 2]
    assert all(isinstance(one, Segmentation) and one.found and not one.ambiguous for one in mugs)
    assert not (mugs[0].mask & mugs[1].mask).any()
    np.testing.assert_array_equal(mugs.mask, mugs[0].mask | mugs[1].mask)
    best = segmenter.run(TWO_RED, "red")
    np.testing.assert_array_equal(mugs[0].mask, best.mask)
    assert (mugs.best.cell, mugs.best.rivals) == (best.cell, best.rivals)


def test_several_of_what_is_not_there_is_empty_and_says_why(segmenter):
    for threshold in (None, 0.0):
        none = segmenter.run(TWO_RED, "green", threshold, several=True)
        assert (list(none), none.found, none.mask.any()) == ([], False, False)
    assert segmenter.run(TWO_RED, "green", several=True).reason is NotFoundReason.BELOW_THRESHOLD
    assert segmenter.run(TWO_RED, "zork", several=True).reason is NotFoundReason.NO_KNOWN_WORD


def test_several_takes_a_list_in_its_order(segmenter):
    texts = ["green", "red", "Red!"]
    sets = segmenter.look(TWO_RED).find(texts, several=True)
    assert [one.text for one in sets] == texts
    assert [len(one) for one in sets] == [0, 2, 2]
    assert sets[2][0].text == "Red!"


def test_the_threshold_decides_how_many_there_are(segmenter):
    faint = picture(("red", ONE), ("red", (66, 50, 84, 72)))
    assert len(segmenter.run(faint, "red", 0.95, several=True)) == 1
    assert len(segmenter.run(faint, "red", 0.01, several=True)) == 2


def test_two_peaks_on_one_object_are_one(segmenter):
    wide = picture(("red", (20, 20, 100, 84)))
    assert len(segmenter.run(wide, "red", several=True)) == 1


def test_json_of_several_lists_the_objects(segmenter):
    value = segmenter.run(TWO_RED, "red", several=True).to_json()
    assert value["found"]
    assert [set(one) for one in value["objects"]] == [{"score", "box", "pixels", "pieces", "mask", "cell"}] * 2
    assert segmenter.run(TWO_RED, "green", several=True).to_json()["objects"] == []
