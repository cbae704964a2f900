import numpy as np
import pytest

from isfp.steps.lookup import best_cells
from isfp.steps.rivals import RIVAL_SHARE, rivals_of


def grid(**scores):
    """An identifying map [9,9] with objects, each with its nine cells: `r1c2=0.5` has its middle in row 1, column 2."""
    made = np.zeros((9, 9), np.float32)
    for name, score in scores.items():
        row, column = int(name[1]), int(name[3])
        made[row - 1 : row + 2, column - 1 : column + 2] = 0.9 * score
        made[row, column] = score
    return made


def rivals(made, threshold=0.1):
    return rivals_of(best_cells(made[None])[0], made, threshold)


def test_objects_of_like_score_are_rivals_best_first():
    found = rivals(grid(r1c1=0.9, r1c6=0.95, r6c3=0.8, r6c7=0.5))
    assert [rival.cell for rival in found] == [(1, 1), (6, 3)]
    assert [rival.score for rival in found] == pytest.approx([0.9, 0.8])


@pytest.mark.parametrize(("share", "count"), [(RIVAL_SHARE + 0.01, 1), (RIVAL_SHARE - 0.01, 0)])
def test_the_share_of_the_best_score_decides(share, count):
    assert len(rivals(grid(r2c2=0.5, r6c6=0.5 * share))) == count


def test_what_is_below_the_threshold_is_no_rival():
    assert rivals(grid(r2c2=0.5, r6c6=0.45), threshold=0.48) == ()


def test_an_objects_own_nine_cells_are_no_rivals():
    assert rivals(grid(r4c4=0.9)) == ()
