"""The channel lookup: identifying map to grid cells, whose indices choose the Segmentation Branch's channels.

The object is the one with the highest probability (paper, III-D). Training raises all 3×3 cells around an object's centre equally
(III-E); where they are alike, which of the nine is highest is a matter of chance, so their neighbours decide, and the middle of the
nine wins (ours). FP16 rounding and camera noise then rarely change the channel. A network that was trained to choose the centre
(`losses.centre`, ours) makes it the highest itself, so neighbours weigh little.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Weights of a cell's neighbours beside it and at its corners; its own is 1. The sum of nine equal cells is highest in the middle.
BESIDE, CORNER = np.float32(0.2), np.float32(0.1)
#: Cells with less than this share of the highest probability belong to another object.
ALIKE = np.float32(0.5)


@dataclass(frozen=True)
class Cell:
    """One cell of the identifying map.

    Attributes:
        row: i, 0 to S-1, from the top.
        column: j, 0 to S-1, from the left.
        score: the object's highest probability in the map, 0 to 1.
        index: c = i·S + j, the channel of the Segmentation Branch (paper, III-B).
    """

    row: int
    column: int
    score: float
    index: int


def best_cells(identifying: np.ndarray) -> list[Cell]:
    """Return the cell of the best object in each identifying map `[P,S,S]`; if several are equal, the first in reading order."""
    return [_middle(grid, _weighed(grid), int(grid.argmax())) for grid in identifying]


def peaks(identifying: np.ndarray, k: int, least: float = 0.0) -> list[Cell]:
    """Return the cells of the K best objects in one identifying map `[S,S]`, best first.

    An object raises the 3×3 cells around its centre, so only local maxima count, and only the first of equal neighbours. There may
    be fewer than K. Those with a probability below `least` do not count.
    """
    around = cv2.dilate(identifying, np.ones((3, 3), np.uint8))
    flat, weighed = identifying.ravel(), _weighed(identifying)
    maxima = np.flatnonzero((identifying == around) & (identifying >= least))
    chosen: list[Cell] = []
    for index in maxima[np.argsort(-flat[maxima], kind="stable")]:
        cell = _middle(identifying, weighed, int(index))
        if all(max(abs(cell.row - other.row), abs(cell.column - other.column)) > 1 for other in chosen):
            chosen.append(cell)
        if len(chosen) == k:
            break
    return chosen


def _weighed(grid: np.ndarray) -> np.ndarray:
    """Return the weighted sum of each cell's neighbourhood `[S,S]`, with zeros outside the grid.

    It is added in the order of `isfp_export.onnx.lookup`, so that engines with the lookup in them get the same sums to the bit.
    Opposite neighbours come first: sums of mirrored neighbourhoods are then equal, and the first in reading order is taken.
    """
    rows, columns = grid.shape
    around = np.zeros((rows + 2, columns + 2), np.float32)
    around[1:-1, 1:-1] = grid

    def shifted(down: int, aside: int) -> np.ndarray:
        return around[1 + down : 1 + down + rows, 1 + aside : 1 + aside + columns]

    beside = (shifted(-1, 0) + shifted(1, 0)) + (shifted(0, -1) + shifted(0, 1))
    corners = (shifted(-1, -1) + shifted(1, 1)) + (shifted(-1, 1) + shifted(1, -1))
    return (shifted(0, 0) + corners * CORNER) + beside * BESIDE


def _middle(grid: np.ndarray, weighed: np.ndarray, index: int) -> Cell:
    """Return the highest cell if it stands out among the nine of its object, else the middle of them."""
    size = len(grid)
    row, column = divmod(index, size)
    top, left = max(0, row - 1), max(0, column - 1)
    alike = grid[top : row + 2, left : column + 2] >= ALIKE * grid[row, column]  # an object nearby must not pull it away
    around = np.where(alike, weighed[top : row + 2, left : column + 2], -np.inf)
    down, aside = divmod(int(around.argmax()), around.shape[1])
    return Cell(top + down, left + aside, float(grid[row, column]), (top + down) * size + left + aside)
