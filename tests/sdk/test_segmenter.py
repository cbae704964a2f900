import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isfp import Segmenter
from isfp.errors import FrameError, IsfpError, PhraseError, RuntimeFailedError, RuntimeUnavailableError
from tests.sdk.colour_bundle import COLOURS, picture
from tests.sdk.counting_runtime import CountingRuntime
from tests.sdk.steps.test_letterbox import BAD_FRAMES

RED, BLUE = (8, 20, 40, 52), (80, 40, 120, 80)
SCENE = picture(("red", RED), ("blue", BLUE))


@pytest.fixture
def segmenter(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        yield segmenter


def box_mask(box, size=(96, 128)):
    mask = np.zeros(size, bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize(("text", "box", "cell"), [("the red thing", RED, (1, 0)), ("blue", BLUE, (2, 3))])
def test_a_phrase_finds_its_thing(segmenter, text, box, cell):
    result = segmenter.run(SCENE, text)
    assert result.found
    assert result.text == text
    assert result.score > 0.9
    assert result.cell == cell
    assert result.mask.dtype == bool
    assert overlap(result.mask, box_mask(box)) > 0.97
    np.testing.assert_allclose(result.box, box, atol=1)
    assert result.identifying_map.shape == (4, 4)
    assert result.identifying_map[cell] == np.float32(result.score)
    assert result.frame_size == (96, 128)


def test_what_is_not_there_is_not_found_and_has_no_mask(segmenter):
    result = segmenter.run(SCENE, "green")
    assert not result.found
    assert result.box is None
    assert result.mask.shape == (96, 128)
    assert not result.mask.any()
    assert result.score < 0.1


def test_a_list_gives_a_list_in_its_order_equal_to_single_runs(segmenter):
    texts = ["blue", "green", "the red thing"]
    together = segmenter.run(SCENE, texts)
    assert [result.text for result in together] == texts
    for result, alone in zip(together, [segmenter.run(SCENE, text) for text in texts], strict=True):
        np.testing.assert_array_equal(result.mask, alone.mask)
        np.testing.assert_allclose(result.identifying_map, alone.identifying_map, atol=1e-6)
        assert (result.found, result.box, result.cell) == (alone.found, alone.box, alone.cell)


def test_one_phrase_in_a_list_is_a_list_and_no_phrases_are_none(segmenter):
    assert len(segmenter.run(SCENE, ["red"])) == 1
    assert len(segmenter.run(SCENE, ("red",))) == 1
    assert segmenter.run(SCENE, []) == []


@pytest.fixture
def counting(colour_bundle):
    runtime = CountingRuntime()
    with Segmenter(colour_bundle, runtime=runtime, cache=2) as segmenter:
        yield segmenter, runtime.ran


def test_only_what_is_found_runs_the_mask_stage(counting):
    segmenter, ran = counting
    segmenter.run(SCENE, ["green", "red"])
    assert ran == [("image", 1), ("text", 2), ("identify", 2), ("mask", 1)]
    ran.clear()
    segmenter.run(SCENE, "green")
    assert ran == [("image", 1), ("identify", 1)]


def test_eight_phrases_share_one_run_of_each_stage_before_their_masks(colour_bundle):
    runtime, colours = CountingRuntime(), ["red", "green", "blue"]
    texts = [*colours, *(f"the {colour} thing" for colour in colours), "the red", "the blue"]
    with Segmenter(colour_bundle, runtime) as segmenter:
        for _ in range(2):
            segmenter.run(SCENE, texts)
    before_masks = [run for run in runtime.ran if run[0] != "mask"]
    assert before_masks == [("image", 1), ("text", 8), ("identify", 8), ("image", 1), ("identify", 8)]  # the vectors are cached


def test_the_same_words_twice_are_computed_once(counting):
    segmenter, ran = counting
    results = segmenter.run(SCENE, ["the red thing", "The RED thing!", "the red thing"])
    assert ran == [("image", 1), ("text", 1), ("identify", 1), ("mask", 1)]
    assert [result.text for result in results] == ["the red thing", "The RED thing!", "the red thing"]
    assert len({result.box for result in results}) == 1


def test_phrases_are_cached_and_the_least_recently_used_is_dropped(counting):
    segmenter, ran = counting
    for text in ("red", "blue", "red", "green", "red", "blue"):  # a cache of two: green pushes blue out
        segmenter.run(SCENE, text)
    assert [stage for stage, _ in ran].count("text") == 4
    counts = segmenter.cache_counts
    assert (counts.hits, counts.misses, counts.held) == (2, 4, 2)


@pytest.mark.parametrize("capacity", [0, 1])
def test_more_phrases_than_the_cache_holds_still_run_together(colour_bundle, capacity):
    with Segmenter(colour_bundle, cache=capacity) as segmenter:
        results = segmenter.run(SCENE, ["red", "green", "blue"])
    assert [result.found for result in results] == [True, False, True]


def test_candidates_are_different_things_best_first(segmenter):
    scene = picture(("red", RED), ("red", BLUE))
    first, second = segmenter.candidates(scene, "red", k=2)
    assert first.score >= second.score > 0.9
    best = segmenter.run(scene, "red")
    np.testing.assert_array_equal(first.mask, best.mask)
    assert first.cell == best.cell
    assert {first.box[0] // 40, second.box[0] // 40} == {0, 2}
    assert not (first.mask & second.mask).any()


def test_the_threshold_given_decides_what_is_found(colour_bundle):
    faint = picture(("red", (8, 20, 24, 36)))
    with Segmenter(colour_bundle) as usual, Segmenter(colour_bundle, threshold=0.001) as lenient:
        score = usual.run(faint, "red").score
        assert 0.001 < score < 0.5
        assert not usual.run(faint, "red").found
        assert lenient.run(faint, "red").found


def test_a_high_score_with_an_empty_mask_is_not_found(colour_bundle):
    with Segmenter(colour_bundle, threshold=0.0) as segmenter:
        result = segmenter.run(SCENE, "green")
    assert not result.found
    assert result.box is None


def test_words_that_were_not_read_are_reported(segmenter):
    result = segmenter.run(SCENE, "the blorp red thing zap the red mug")
    assert result.unknown_words == ("blorp", "zap")
    assert result.cut_words == ("red", "mug")


def test_a_text_that_was_read_before_is_read_alike_and_no_result_can_change_it(segmenter):
    text = "the grren mug"
    first = segmenter.run(SCENE, text)
    assert first.suggestions == {"grren": "green"}
    first.suggestions.clear()
    assert segmenter.run(SCENE, text).suggestions == {"grren": "green"}
    assert segmenter.encode(text) is segmenter.encode(text)
    with pytest.raises(ValueError, match="read-only"):
        segmenter.encode(text).ids[0] = 3


def test_the_texts_that_are_remembered_are_bounded_in_number_and_length(segmenter):
    long = "red " * 1000
    assert segmenter.encode(long) is not segmenter.encode(long)
    texts = [f"red {number}" for number in range(600)]
    first = [segmenter.encode(text) for text in texts]
    again = [segmenter.encode(text) for text in reversed(texts)][::-1]
    kept = sum(one is other for one, other in zip(first, again, strict=True))
    assert 0 < kept <= 256
    assert [phrase.key for phrase in first] == [phrase.key for phrase in again]


def test_milliseconds_of_the_steps_add_up_to_the_total(segmenter):
    milliseconds = dict(segmenter.run(SCENE, "red").milliseconds)
    total = milliseconds.pop("total")
    assert list(milliseconds) == ["frame", "image", "text", "identify", "lookup", "mask", "restore"]
    assert sum(milliseconds.values()) == pytest.approx(total)


@pytest.mark.parametrize("frame", BAD_FRAMES)
def test_a_bad_frame_is_refused(segmenter, frame):
    with pytest.raises(FrameError, match="expected"):
        segmenter.run(BAD_FRAMES[frame][0], "red")
    with pytest.raises(FrameError, match="expected"):
        segmenter.candidates(BAD_FRAMES[frame][0], "red")


@pytest.mark.parametrize("text", [None, b"red", 5, "", "  ", "😀", "?!", {"red": 1}, ["red", ""], ["red", None], [["red"]]])
def test_a_bad_phrase_is_refused(segmenter, text):
    with pytest.raises(PhraseError, match="expected"):
        segmenter.run(SCENE, text)


def test_strange_phrases_with_words_in_them_are_run(segmenter):
    many, emoji = segmenter.run(SCENE, ["red " * 10_000, "😀 red 😀"])
    assert many.found
    assert len(many.cut_words) == 9_994
    assert emoji.found


def test_a_bad_frame_leaves_the_segmenter_fit_for_the_next(segmenter):
    with pytest.raises(FrameError):
        segmenter.run(None, "red")
    assert segmenter.run(SCENE, "red").found


@given(
    height=st.integers(20, 400),
    width=st.integers(20, 400),
    colour=st.sampled_from(sorted(COLOURS)),
    corner=st.sampled_from(["upper left", "lower right"]),
)
@settings(max_examples=40, deadline=None)
def test_things_are_found_in_frames_of_any_size(colour_bundle, height, width, colour, corner):
    box = (0, 0, width // 2, height // 2) if corner == "upper left" else (width // 2, height // 2, width, height)
    if max(height, width) > 2 * min(height, width):
        return  # the grid's four cells do not resolve such a thing
    with Segmenter(colour_bundle, threshold=0.05) as segmenter:
        result = segmenter.run(picture((colour, box), size=(height, width)), colour)
    assert result.found
    assert result.mask.shape == (height, width)
    assert overlap(result.mask, box_mask(box, (height, width))) > 0.7


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1), (2160, 3840)])
def test_extreme_sizes_run(segmenter, size):
    frame = np.zeros((*size, 3), np.uint8)
    frame[..., 2] = 255
    assert segmenter.run(frame, "red").mask.shape == size


def test_results_stay_as_they_are_when_the_next_frame_runs(segmenter):
    first = segmenter.run(SCENE, "red")
    mask, grid = first.mask.copy(), first.identifying_map.copy()
    segmenter.run(picture(("red", BLUE)), "red")
    np.testing.assert_array_equal(first.mask, mask)
    np.testing.assert_array_equal(first.identifying_map, grid)


def test_the_frame_is_not_written_to(segmenter):
    frame = SCENE.copy()
    frame.setflags(write=False)
    segmenter.run(frame, "red")
    np.testing.assert_array_equal(frame, SCENE)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_three_hundred_frames_do_not_grow(segmenter):
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    frame = picture(("red", (40, 60, 240, 300)), size=(480, 640))
    phrases = [f"red {number}" for number in range(400)]  # all different for the report, few for the network
    for text in phrases[:100]:
        segmenter.run(frame, [text, "blue"])
    before = resident()
    for text in phrases[100:]:
        segmenter.run(frame, [text, "blue"])
    assert resident() - before < 30 * frame.shape[0] * frame.shape[1]  # thirty masks: a leak of one a frame is 300


def test_the_cache_never_holds_more_than_it_may(colour_bundle):
    words = ["red", "green", "blue", "the", "thing"]
    with Segmenter(colour_bundle, cache=7) as segmenter:
        for text in (f"{a} {b}" for a in words for b in words):
            segmenter.run(SCENE, text)
        assert segmenter.cache_counts.held == 7


def test_a_closed_segmenter_says_so(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        segmenter.run(SCENE, "red")
    segmenter.close()
    with pytest.raises(RuntimeFailedError, match="closed"):
        segmenter.run(SCENE, "red")


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(colour_bundle, threshold):
    with pytest.raises(IsfpError, match="from 0 to 1"):
        Segmenter(colour_bundle, threshold=threshold)


def test_an_unknown_runtime_is_refused_with_those_there_are(colour_bundle):
    with pytest.raises(RuntimeUnavailableError, match="'warp'; expected one of: auto, tensorrt, tensorrt-rtx, onnxruntime"):
        Segmenter(colour_bundle, runtime="warp")


def test_json_holds_the_mask_as_coco_run_lengths(segmenter):
    result = segmenter.run(SCENE, "red")
    value = result.to_json()
    counts = value["mask"]["counts"]
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    np.testing.assert_array_equal(flat.reshape(value["mask"]["size"], order="F"), result.mask)
    assert value["pixels"] == result.mask.sum()
    assert segmenter.run(SCENE, "green").to_json()["mask"]["counts"] == [96 * 128]
