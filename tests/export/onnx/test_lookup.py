"""The lookup in standard operators chooses the cell that the SDK's chooses, on every kind of map."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from isfp.steps.lookup import best_cells
from isfp_export.onnx.lookup import lookup_model


def cells_of(maps: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(lookup_model(maps.shape[1]).SerializeToString(), options)
    cells = session.run(None, {"identifying": maps})[0]
    assert cells.shape == (len(maps), 1)
    assert cells.dtype == np.int32
    return cells[:, 0]


def hold(maps: np.ndarray) -> None:
    maps = np.ascontiguousarray(maps, np.float32)
    np.testing.assert_array_equal(cells_of(maps), [cell.index for cell in best_cells(maps)])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 13, 20, 64])
def test_on_random_maps(size: int) -> None:
    rng = np.random.default_rng(size)
    hold(rng.random((2000 if size < 20 else 200, size, size)))
    hold(1 / (1 + np.exp(-rng.normal(-4, 4, (500, size, size)))))


@pytest.mark.parametrize("levels", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [2, 5, 13])
def test_on_maps_full_of_ties(size: int, levels: int) -> None:
    rng = np.random.default_rng(levels)
    hold(rng.integers(0, levels, (2000, size, size)) / max(1, levels - 1))
    hold(rng.integers(0, levels, (2000, size, size)) / 10)  # 0.1 and others that floats do not hold exactly


def test_on_objects_at_every_cell_borders_included() -> None:
    maps = []
    for highest in range(9):
        for cell in range(13 * 13):
            grid = np.zeros((15, 15), np.float32)
            row, column = divmod(cell, 13)
            grid[row : row + 3, column : column + 3] = 0.8
            grid[row + highest // 3, column + highest % 3] = 0.85
            maps.append(grid[1:-1, 1:-1])
    hold(np.stack(maps))


def test_on_two_objects_side_by_side_of_which_one_is_weaker() -> None:
    rng = np.random.default_rng(0)
    maps = np.zeros((3000, 13, 13), np.float32)
    for grid in maps:
        for strength in (0.9, rng.choice([0.44, 0.45, 0.46, 0.9])):
            row, column = rng.integers(0, 11, 2)
            grid[row : row + 3, column : column + 3] = np.maximum(grid[row : row + 3, column : column + 3], strength)
    hold(maps)


def test_on_empty_and_on_full_maps() -> None:
    hold(np.stack([np.zeros((13, 13)), np.ones((13, 13)), np.full((13, 13), 1e-40)]))


def test_a_map_that_is_not_finite_gives_a_valid_cell() -> None:
    maps = np.full((2, 13, 13), np.nan, np.float32)
    maps[1] = np.inf
    cells = cells_of(maps)
    assert ((cells >= 0) & (cells < 169)).all()


def test_no_phrases_have_no_cells() -> None:
    assert len(cells_of(np.zeros((0, 13, 13), np.float32))) == 0
