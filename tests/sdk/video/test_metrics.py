import math

import numpy as np
import pytest

from isfp.video.metrics import flicker, lag, overlap


def box(left: int, width: int = 20) -> np.ndarray:
    mask = np.zeros((40, 100), bool)
    mask[10:30, left : left + width] = True
    return mask


EMPTY = np.zeros((40, 100), bool)


def test_flicker_is_none_where_nothing_changes_and_full_where_nothing_stays():
    assert flicker([box(5)] * 3) == 0
    assert flicker([EMPTY] * 3) == 0
    assert flicker([box(5), EMPTY, box(5)]) == 1
    assert flicker([box(0), box(10), box(10)]) == pytest.approx((1 - 10 / 30) / 2)
    assert overlap(box(0), box(50)) == 0


@pytest.mark.parametrize("late", [0, 0.5, 1, 2])
def test_lag_is_the_number_of_frames_that_masks_trail_behind(late):
    truth = [box(10 + 4 * n) for n in range(12)]
    shown = [box(round(10 + 4 * (n - late))) for n in range(12)]
    assert lag(shown, truth, (4, 0)) == pytest.approx(late)
    assert lag([mask[:, ::-1] for mask in shown], [mask[:, ::-1] for mask in truth], (-4, 0)) == pytest.approx(late)


def test_lag_leaves_out_frames_that_show_different_things():
    truth = [box(10), box(14), box(18)]
    assert lag([box(10), box(80), EMPTY], truth, (4, 0)) == 0
    assert math.isnan(lag([EMPTY] * 3, truth, (4, 0)))
