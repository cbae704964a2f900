import numpy as np
import pytest

from isfp.steps.contrast import has_contrast

SIZES = [(320, 320), (180, 320), (320, 20), (64, 64), (1, 1), (1, 320)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 40, 90)])
def test_one_flat_colour_has_none(size, colour):
    assert not has_contrast(np.full((*size, 3), colour, np.uint8))


@pytest.mark.parametrize("grey", [0, 12, 128, 255])
@pytest.mark.parametrize("noise", [2, 8])
def test_mild_noise_is_no_contrast(grey, noise):
    for seed in range(5):
        values = np.random.default_rng(seed).normal(grey, noise, (240, 320, 3))
        assert not has_contrast(values.round().clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(("ground", "object_"), [(255, 0), (0, 255), (100, 200), ((0, 0, 255), (0, 255, 255))])
def test_a_small_object_is_contrast(ground, object_):
    frame = np.full((180, 320, 3), ground, np.uint8)
    frame[70:78, 33:41] = object_
    assert has_contrast(frame)


def test_a_dim_scene_has_contrast():
    frame = np.full((320, 320, 3), 5, np.uint8)
    frame[:, 160:] = 20
    assert has_contrast(frame)
