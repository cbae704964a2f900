import numpy as np
import pytest

from isfp_train.data.scenes.moving import MOTIONS, MovingScenes


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_seed_gives_the_same_clip_again(motion):
    one, other = (MovingScenes(160).clip(3, motion, length=6, speed=2) for _ in range(2))
    np.testing.assert_array_equal(one.frames, other.frames)
    np.testing.assert_array_equal(one.masks, other.masks)
    assert one.text == other.text
    assert one.frames.shape == (6, 120, 160, 3)


def test_only_noise_changes_in_a_still_clip():
    noisy, clean = MovingScenes(160, noise=6).clip(1, "still", length=4), MovingScenes(160, noise=0).clip(1, "still", length=4)
    assert (clean.frames == clean.frames[0]).all()
    assert (clean.masks == clean.masks[0]).all()
    changes = noisy.frames[1].astype(float) - noisy.frames[0]
    assert 3 < changes.std() < 12


def test_a_moving_object_goes_its_velocity_and_stays_whole():
    clip = MovingScenes(160, noise=0).clip(2, "moving", length=8, speed=3)
    assert np.hypot(*clip.velocity) == pytest.approx(3)
    centres = np.array([[axis.mean() for axis in np.nonzero(mask)[::-1]] for mask in clip.masks])
    np.testing.assert_allclose(centres[-1] - centres[0], 7 * np.array(clip.velocity), atol=1)
    assert (clip.masks.sum(axis=(1, 2)) == clip.masks[0].sum()).all()
    away = clip.masks[0] & ~clip.masks[-1]
    assert np.abs(clip.frames[0][away].astype(int) - clip.frames[-1][away]).mean() > 10


def test_a_hidden_object_is_there_before_and_after_and_not_between():
    clip = MovingScenes(160).clip(2, "hidden", length=9)
    assert [bool(mask.any()) for mask in clip.masks] == [True] * 3 + [False] * 3 + [True] * 3


def test_what_cannot_be_made_is_said():
    with pytest.raises(ValueError, match="'spinning'; expected one of"):
        MovingScenes(160).clip(1, "spinning")
    with pytest.raises(ValueError, match="room for 200 frames"):
        MovingScenes(160).clip(1, "moving", length=200, speed=9)
