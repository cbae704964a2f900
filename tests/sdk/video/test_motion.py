import numpy as np
import pytest

from isfp.video.motion import Motion


def view(rng: np.random.Generator, noise: float, left: int) -> np.ndarray:
    """A bright square on a slope of grey, seen with noise: uint8 [1,64,80,3]."""
    frame = np.repeat(np.linspace(60, 120, 80)[None, :, None], 64, axis=0) + np.zeros(3)
    frame[20:40, left : left + 20] = 200
    return np.clip(frame + rng.normal(0, noise, frame.shape), 0, 255).astype(np.uint8)[None]


@pytest.mark.parametrize("noise", [0, 4, 12])
def test_noise_is_not_motion_and_a_moving_edge_is(noise):
    rng, motion = np.random.default_rng(0), Motion()
    assert (motion.seen(view(rng, noise, 10)) == 1).all()
    still = motion.seen(view(rng, noise, 10))
    assert still.shape == (64, 80)
    assert still.mean() < 0.02
    moved = motion.seen(view(rng, noise, 16))
    assert moved[24:36, 10:16].min() == 1
    assert moved[24:36, 31:35].min() == 1
    assert moved[:, 60:].mean() < 0.02


def test_a_camera_that_pans_moves_everything_with_texture():
    rng = np.random.default_rng(0)
    wall = np.kron(rng.integers(40, 200, (16, 30)), np.ones((8, 8)))[:64]
    motion = Motion()
    for start in (0, 6):
        seen = motion.seen(np.repeat(wall[None, :, start : start + 80, None], 3, axis=3).astype(np.uint8))
    assert seen.mean() > 0.9


def test_a_view_whose_size_is_no_multiple_of_four_keeps_its_size():
    motion = Motion()
    motion.seen(np.zeros((1, 61, 47, 3), np.uint8))
    assert motion.seen(np.zeros((1, 61, 47, 3), np.uint8)).shape == (61, 47)
