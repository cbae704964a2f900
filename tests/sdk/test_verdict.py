"""When nothing is found whatever the score is, and what a result says about that."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isfp import NotFoundReason, Segmenter
from isfp.bundle.bundle import Bundle, write_manifest
from isfp.video import Smoother
from tests.sdk.colour_bundle import manifest_fields, picture, write_colour_bundle

THING = (32, 16, 64, 48)  # one cell of the grid
SCENE = picture(("red", THING))


@pytest.fixture(scope="module")
def strict_bundle(tmp_path_factory):
    """A bundle whose phrases must name an object, as bundles do by default; "thing" is the one word that does."""
    path = write_colour_bundle(tmp_path_factory.mktemp("strict") / "strict.isfp")
    fields = Bundle.open(path).manifest.fields
    write_manifest(path, {**manifest_fields(), "stages": fields["stages"], "text": {"max_words": fields["text"]["max_words"]}})
    return path


@pytest.fixture(params=["segmenter", "smoother"])
def find(request, strict_bundle, runtime):
    with Segmenter(strict_bundle, runtime, threshold=0.0001) as segmenter:
        yield segmenter.run if request.param == "segmenter" else Smoother(segmenter).run


@pytest.mark.parametrize("text", ["zork", "zork 杯子", "12345"])
def test_a_phrase_of_unknown_words_is_not_found(find, runtime, text):
    result = find(SCENE, text)
    assert not result.found
    assert result.reason is NotFoundReason.NO_KNOWN_WORD
    assert result.box is None
    assert not result.mask.any()
    assert runtime.count("mask") == 0
    assert "no word of the phrase is known" in result.notes


@pytest.mark.parametrize("text", ["red zork", "the red zork"])
def test_a_phrase_without_a_known_noun_is_not_found_though_its_score_is_high(find, text):
    result = find(SCENE, text)
    assert result.score > 0.9
    assert (result.found, result.reason) == (False, NotFoundReason.NO_KNOWN_NOUN)


def test_a_colour_alone_is_left_to_the_score(find):
    assert find(SCENE, "the red").found


def test_a_known_noun_beside_unknown_words_is_found_and_they_are_said(find):
    result = find(SCENE, "the erd zork thing")
    assert result.unknown_words == ("erd", "zork")
    assert result.suggestions == {"erd": "red"}
    assert "unknown words: erd (did you mean red?), zork" in result.notes
    assert find(SCENE, "the red thing").found
    assert find(SCENE, "the red thing").reason is None


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_a_frame_of_one_colour_shows_nothing(find, grey):
    noise = np.random.default_rng(3).normal(grey, 4, (96, 128, 3)).round().clip(0, 255).astype(np.uint8)
    for frame in (picture(background=grey), noise):
        result = find(frame, "thing")
        assert (result.found, result.reason) == (False, NotFoundReason.FRAME_WITHOUT_CONTRAST)


def test_the_colour_that_is_asked_for_is_no_object_if_it_is_all_there_is(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        result = segmenter.run(picture(("red", (0, 0, 128, 96))), "red")
        assert result.score > 0.9
        assert result.reason is NotFoundReason.FRAME_WITHOUT_CONTRAST


def test_the_other_reasons(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        assert segmenter.run(SCENE, "green").reason is NotFoundReason.BELOW_THRESHOLD
        assert segmenter.run(SCENE, "green", threshold=0.0).reason is NotFoundReason.EMPTY_MASK
        assert segmenter.run(SCENE, "red").reason is None
        assert segmenter.run(SCENE, "green").notes == []


def test_a_lens_cap_in_a_video_is_not_found_and_forgets_nothing(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        smoother, other = Smoother(segmenter), Smoother(segmenter)
        for one in (smoother, other):
            one.run(SCENE, "red")
        assert not smoother.run(picture(background=0), "red").found
        moved = picture(("red", (44, 30, 84, 70)))
        np.testing.assert_array_equal(smoother.run(moved, "red").identifying_map, other.run(moved, "red").identifying_map)


def test_json_says_why(strict_bundle):
    with Segmenter(strict_bundle) as segmenter:
        value = json.loads(json.dumps(segmenter.run(SCENE, "the erd the the the the the zork").to_json()))
    assert value["reason"] == "no_known_noun"
    assert value["suggestions"] == {"erd": "red"}
    assert value["notes"] == [
        "no known word of the phrase names an object",
        "unknown words: erd (did you mean red?)",
        "phrase too long, words not read: the, zork",
    ]


def test_every_reason_has_a_sentence():
    assert all(reason.sentence for reason in NotFoundReason)
