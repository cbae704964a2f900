import numpy as np
import pytest

from isfp.steps.lookup import best_cells, peaks


def test_the_best_cell_is_the_highest_and_its_index_is_the_channel():
    maps = np.zeros((2, 5, 5), np.float32)
    maps[0, 1, 3], maps[1, 4, 0] = 0.9, 0.4
    cells = best_cells(maps)
    assert [(c.row, c.column, c.index) for c in cells] == [(1, 3, 8), (4, 0, 20)]
    np.testing.assert_allclose([c.score for c in cells], [0.9, 0.4], rtol=1e-6)


def test_of_equal_things_the_first_in_reading_order_is_best():
    maps = np.zeros((1, 9, 9), np.float32)
    maps[0, 1:4, 1:4] = maps[0, 5:8, 5:8] = 0.5
    assert (best_cells(maps)[0].row, best_cells(maps)[0].column) == (2, 2)


def test_the_middle_of_a_thing_is_taken_wherever_its_highest_cell_is():
    for highest in range(9):
        maps = np.zeros((1, 13, 13), np.float32)
        maps[0, 4:7, 8:11] = 0.8
        maps[0, 4 + highest // 3, 8 + highest % 3] = 0.85
        cell = best_cells(maps)[0]
        assert (cell.row, cell.column) == (5, 9)
        assert abs(cell.score - 0.85) < 1e-6


def test_the_middle_is_found_at_the_border_too():
    maps = np.zeros((1, 6, 6), np.float32)
    maps[0, 0:3, 3:6] = (0.5, 0.9, 0.5)
    maps[0, 0, 4] = 0.91
    assert (best_cells(maps)[0].row, best_cells(maps)[0].column) == (1, 4)


def test_no_phrases_have_no_cells():
    assert best_cells(np.zeros((0, 4, 4), np.float32)) == []


def test_peaks_are_different_things_not_neighbours_of_one():
    grid = np.zeros((7, 7), np.float32)
    grid[0:3, 0:3], grid[1, 1] = 0.8, 0.9
    grid[4:7, 4:7], grid[5, 5] = 0.6, 0.7
    found = peaks(grid, 2)
    assert [(c.row, c.column) for c in found] == [(1, 1), (5, 5)]


def test_a_plateau_is_one_peak():
    grid = np.zeros((7, 7), np.float32)
    grid[2, 2] = grid[2, 3] = 0.9
    cells = [(c.row, c.column) for c in peaks(grid, 49)]
    assert cells[0] == (2, 2)
    assert (2, 3) not in cells


def test_peaks_come_best_first_and_at_most_k():
    grid = np.random.default_rng(0).random((13, 13), np.float32)
    found = peaks(grid, 4)
    assert len(found) == 4
    assert found[0] == best_cells(grid[None])[0]
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


def test_peaks_below_the_least_probability_do_not_count():
    grid = np.zeros((7, 7), np.float32)
    grid[1, 1], grid[1, 5], grid[5, 3] = 0.75, 0.5, 0.25
    assert [(c.row, c.column) for c in peaks(grid, 9, least=0.5)] == [(1, 1), (1, 5)]


TURNS = [np.fliplr, np.flipud, np.transpose, np.rot90]


@pytest.mark.parametrize("turn", TURNS)
def test_a_map_that_is_turned_has_its_cells_turned_and_no_direction_is_preferred(turn):
    grids = np.random.default_rng(1).random((100, 9, 9), np.float32)
    for grid in grids:
        turned = np.ascontiguousarray(turn(grid))
        for found, expected in (
            (best_cells(turned[None]), best_cells(grid[None])),
            (peaks(turned, 81), peaks(grid, 81)),
        ):
            marked = np.zeros((9, 9))
            marked[[cell.row for cell in expected], [cell.column for cell in expected]] = [cell.score for cell in expected]
            assert [cell.score for cell in found] == [cell.score for cell in expected]
            np.testing.assert_array_equal([turn(marked)[cell.row, cell.column] for cell in found], [cell.score for cell in found])


def test_no_two_peaks_are_neighbours():
    for grid in np.random.default_rng(2).random((100, 13, 13), np.float32):
        found = peaks(grid, 169)
        assert len(found) > 5
        for number, one in enumerate(found):
            assert all(max(abs(one.row - other.row), abs(one.column - other.column)) > 1 for other in found[:number])


def row_of(*values: float) -> np.ndarray:
    """Maps `[1,7,7]` with these values in the middle row."""
    maps = np.zeros((1, 7, 7), np.float32)
    maps[0, 3, : len(values)] = values
    return maps


def test_the_likelier_cell_is_taken_and_the_middle_of_three_that_are_alike():
    assert best_cells(row_of(0, 0, 1.0, 0.95))[0].column == 2
    assert best_cells(row_of(0, 0, 1.0, 0.95, 0.95))[0].column == 3
    assert best_cells(row_of(0, 0, 1.0, 0.6, 0.6))[0].column == 2


@pytest.mark.parametrize(("share", "middle"), [(0.45, False), (0.55, True)])
def test_a_cell_less_than_half_as_likely_is_another_things(share, middle):
    maps = row_of(0, 0, 1.0, share, 0.99)
    maps[0, 2, 3:5] = maps[0, 4, 3:5] = 0.9  # high values around it would pull the choice there
    cell = best_cells(maps)[0]
    assert ((cell.row, cell.column) == (3, 3)) == middle


def test_a_neighbour_beside_a_cell_counts_for_more_than_one_at_its_corner():
    maps = row_of(0, 0, 1.0, 1.0, 0.8)
    maps[0, 4, 1] = 0.9
    assert best_cells(maps)[0].column == 3
