import numpy as np
import pytest

from isfp import FrameError, IsfpError, PhraseError, Segmenter
from isfp.video.metrics import flicker, lag
from isfp.video.smoother import Smoother
from tests.sdk.colour_bundle import picture


@pytest.fixture(scope="module")
def segmenter(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        yield segmenter


def noisy(place: float, rng: np.random.Generator) -> np.ndarray:
    """A red blob with a soft edge, its centre at column `place`, seen by a noisy camera: where it ends is anybody's guess."""
    columns, rows = np.meshgrid(np.arange(128), np.arange(96))
    strength = np.clip(1.8 - np.hypot(columns - place, rows - 48) / 20, 0, 1)[..., None]
    frame = 20 + strength * (np.array([0, 0, 255]) - 20)
    return np.clip(frame + rng.normal(0, 25, (96, 128, 3)), 0, 255).astype(np.uint8)


def test_flicker_on_a_still_noisy_scene_is_halved(segmenter):
    rng = np.random.default_rng(1)
    frames = [noisy(64, rng) for _ in range(30)]
    smoother = Smoother(segmenter)
    alone = flicker([segmenter.run(frame, "red").mask for frame in frames])
    smoothed = flicker([smoother.run(frame, "red").mask for frame in frames])
    assert alone > 0.02, "the scene must be hard enough to tell"
    assert smoothed <= alone / 2


@pytest.mark.parametrize("speed", [1, 2, 4])
def test_a_moving_thing_is_followed_at_most_one_frame_behind(segmenter, speed):
    rng = np.random.default_rng(2)
    frames = [noisy(30 + speed * number, rng) for number in range(16)]
    smoother = Smoother(segmenter)
    alone = [segmenter.run(frame, "red").mask for frame in frames]
    smoothed = [smoother.run(frame, "red").mask for frame in frames]
    assert all(mask.any() for mask in smoothed)
    assert lag(smoothed, alone, (speed, 0)) <= 1


def test_the_first_frame_of_a_video_is_what_the_segmenter_says(segmenter):
    frame = noisy(50, np.random.default_rng(3))
    alone, first = segmenter.run(frame, "the red thing"), Smoother(segmenter).run(frame, "the red thing")
    np.testing.assert_array_equal(first.mask, alone.mask)
    np.testing.assert_array_equal(first.identifying_map, alone.identifying_map)
    assert (first.found, first.score, first.box, first.cell) == (alone.found, alone.score, alone.box, alone.cell)
    assert first.milliseconds.keys() - alone.milliseconds.keys() == {"steady"}


def test_a_thing_is_found_again_within_one_frame_after_it_was_hidden(segmenter):
    there, hidden = picture(("red", (40, 30, 80, 70))), picture()
    smoother = Smoother(segmenter)
    found = [smoother.run(frame, "red").found for frame in [there] * 3 + [hidden] * 5 + [there] * 3]
    assert found[:3] == [True] * 3
    assert found[4:8] == [False] * 4
    assert found[9:] == [True] * 2


def test_a_mask_is_not_blended_with_that_of_another_place(segmenter):
    here, there = picture(("red", (4, 4, 36, 36))), picture(("red", (90, 60, 124, 92)))
    smoother = Smoother(segmenter)
    for _ in range(3):
        smoother.run(here, "red")
    for _ in range(2):
        result = smoother.run(there, "red")
    np.testing.assert_array_equal(result.mask, segmenter.run(there, "red").mask)


def test_phrases_are_followed_apart_and_one_left_out_starts_anew(segmenter):
    both, none = picture(("red", (4, 4, 36, 36)), ("blue", (90, 60, 124, 92))), picture()
    smoother = Smoother(segmenter)
    for _ in range(3):
        red, blue, again = smoother.run(both, ["red", "the blue thing", "Red!"])
    assert red.found
    assert blue.found
    assert red.box == again.box
    assert red.box != blue.box
    smoother.run(none, "blue")
    assert smoother.run(none, "red").score == segmenter.run(none, "red").score


def test_results_of_earlier_frames_stay_as_they_were(segmenter):
    smoother = Smoother(segmenter)
    first = smoother.run(picture(("red", (40, 30, 80, 70))), "red")
    grid, mask = first.identifying_map.copy(), first.mask.copy()
    smoother.run(picture(), "red")
    np.testing.assert_array_equal(first.identifying_map, grid)
    np.testing.assert_array_equal(first.mask, mask)


def test_a_cut_and_another_size_start_anew(segmenter):
    thing = ("red", (40, 30, 80, 70))
    smoother = Smoother(segmenter)
    smoother.run(picture(thing), "red")
    smoother.reset()
    assert not smoother.run(picture(), "red").found
    smoother.run(picture(thing), "red")
    large = picture(size=(192, 256))
    assert smoother.run(large, "red").score == segmenter.run(large, "red").score


def test_a_bad_frame_or_phrase_is_refused_and_nothing_is_forgotten(segmenter):
    frame = picture(("red", (40, 30, 80, 70)))
    smoother = Smoother(segmenter)
    smoother.run(frame, "red")
    with pytest.raises(PhraseError):
        smoother.run(frame, "!")
    with pytest.raises(FrameError):
        smoother.run(frame.astype(np.float32), "red")
    other = picture(("blue", (40, 30, 80, 70)))
    assert smoother.run(other, "red").score > segmenter.run(other, "red").score


def test_no_phrases_give_no_results(segmenter):
    assert Smoother(segmenter).run(picture(), []) == []


@pytest.mark.parametrize("leave", [-0.1, 0.6, float("nan")])
def test_losing_a_thing_at_a_higher_score_than_finding_it_is_refused(segmenter, leave):
    with pytest.raises(IsfpError, match=r"leave is .*expected a score from 0 to the Segmenter's threshold, 0\.5"):
        Smoother(segmenter, leave)
