import numpy as np
import pytest

from isfp.steps.pieces import keep_piece

LEFT, RIGHT, SPECK = (slice(5, 25), slice(2, 20)), (slice(8, 22), slice(30, 50)), (slice(2, 4), slice(25, 27))


def logits(*places, height=30, width=60):
    made = np.full((height, width), -3, np.float32)
    for place in places:
        made[place] = 4
    return made


@pytest.mark.parametrize(
    ("point", "kept"), [((10.5, 12.5), LEFT), ((35, 10), RIGHT), ((23, 3), LEFT), ((28, 3), RIGHT), ((59.9, 0), RIGHT)]
)
def test_the_piece_at_the_point_or_nearest_to_it_is_kept(point, kept):
    found, pieces = keep_piece(logits(LEFT, RIGHT, SPECK), 0.0, point)
    np.testing.assert_array_equal(found > 0, logits(kept) > 0)
    assert pieces == 2


def test_one_piece_stays_as_it_is_with_its_specks():
    given = logits(LEFT, SPECK)
    found, pieces = keep_piece(given, 0.0, (40, 10))
    assert found is given
    assert pieces == 1
    assert keep_piece(logits(LEFT), 0.0, (0, 0))[1] == 1


def test_an_empty_mask_has_no_piece():
    assert keep_piece(logits(), 0.0, (3, 3))[1] == 0


def test_the_mask_threshold_decides_what_is_a_piece():
    given = logits(LEFT, RIGHT)
    given[10:12, 20:30] = 1
    assert keep_piece(given, 0.0, (10, 10))[1] == 1
    found, pieces = keep_piece(given, 2.0, (10, 10))
    np.testing.assert_array_equal(found > 2, logits(LEFT) > 0)
    assert pieces == 2


def test_touching_corners_join_and_what_is_given_is_not_written_to():
    given = logits((slice(0, 10), slice(0, 10)), (slice(10, 20), slice(10, 20)))
    assert keep_piece(given, 0.0, (5, 5))[1] == 1
    given = logits(LEFT, RIGHT)
    given.setflags(write=False)
    keep_piece(given, 0.0, (5, 5))
