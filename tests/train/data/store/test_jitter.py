"""Pictures that are moved and lit anew in each epoch: objects, masks and padding stay where phrases and cells say."""

import cv2
import numpy as np
import pytest

from isfp_train.data.store.jitter import LEAST_SCALE, Move, relit
from isfp_train.data.store.store import FILL

SIDE = 96


@pytest.fixture
def square() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[20:40, 50:80] = True
    return mask


def test_a_moved_picture_stays_whole_within_the_frame() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        move = Move.draw(SIDE, rng)
        assert all(LEAST_SCALE <= scale <= 1 for scale in move.scale)
        for corner in ((0, 0), (SIDE, SIDE)):
            assert all(-1e-9 <= value <= SIDE + 1e-9 for value in move.point(*corner))


def test_picture_mask_and_point_move_alike(square: np.ndarray) -> None:
    picture = np.where(square[..., None], np.uint8(255), np.uint8(0)).repeat(3, axis=2)
    rng = np.random.default_rng(1)
    for _ in range(50):
        move = Move.draw(SIDE, rng)
        mask, moved = move.mask(square), move.picture(picture)
        rows, columns = np.nonzero(mask)
        assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(move.point(65, 30), abs=0.5)
        inside, outside = cv2.erode(mask.view(np.uint8), np.ones((3, 3))) > 0, cv2.dilate(mask.view(np.uint8), np.ones((5, 5))) == 0
        assert moved[inside].min() > 200
        assert set(np.unique(moved[outside])) <= {0, *range(1, FILL + 1)}  # the picture, the padding, and the border of the two


def test_what_a_move_leaves_free_is_padded_as_a_letterbox_is() -> None:
    moved = Move((0.8, 0.8), (0.0, 0.0)).picture(np.full((SIDE, SIDE, 3), 255, np.uint8))
    assert (moved[-10:] == FILL).all()
    assert (moved[:, -10:] == FILL).all()


def test_no_move_changes_nothing(square: np.ndarray) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    stay = Move((1.0, 1.0), (0.0, 0.0))
    np.testing.assert_array_equal(stay.picture(picture), picture)
    np.testing.assert_array_equal(stay.mask(square), square)


def test_another_light_keeps_hues_because_phrases_name_colours() -> None:
    rng = np.random.default_rng(3)
    for colour in ((180, 60, 60), (60, 160, 60), (60, 60, 170)):
        picture = np.full((16, 16, 3), colour, np.uint8)
        strongest = int(np.argmax(colour))
        lights = [relit(picture, rng) for _ in range(50)]
        assert all(int(light.mean(axis=(0, 1)).argmax()) == strongest for light in lights)
        assert len({light.tobytes() for light in lights}) > 40
