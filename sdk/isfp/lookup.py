"""The channel lookup: identifying map to grid cells, whose indices choose the Segmentation Branch's channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cell:
    """One cell of the identifying map.

    Attributes:
        row: i, 0 to S-1, from the top.
        column: j, 0 to S-1, from the left.
        score: the map's probability there, 0 to 1.
        index: c = i·S + j, the channel of the Segmentation Branch (paper, III-B).
    """

    row: int
    column: int
    score: float
    index: int


def best_cells(identifying: np.ndarray) -> list[Cell]:
    """Return each phrase's best cell in identifying maps `[P,S,S]`; of equals, the first in reading order."""
    phrases, size, _ = identifying.shape
    flat = identifying.reshape(phrases, size * size)
    return [_cell(row, int(index), size) for row, index in zip(flat, flat.argmax(axis=1), strict=True)]


def peaks(identifying: np.ndarray, k: int) -> list[Cell]:
    """Return the K best different things of one identifying map `[S,S]`, best first.

    A thing raises the 3×3 cells around its centre, so only local maxima count, and of equals side by side only the
    first. There may be fewer than K.
    """
    size = len(identifying)
    padded = np.pad(identifying, 1, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).max(axis=(2, 3))
    flat = identifying.ravel()
    maxima = np.flatnonzero(identifying == around)
    chosen: list[Cell] = []
    for index in maxima[np.argsort(-flat[maxima], kind="stable")]:
        cell = _cell(flat, int(index), size)
        if all(max(abs(cell.row - other.row), abs(cell.column - other.column)) > 1 for other in chosen):
            chosen.append(cell)
        if len(chosen) == k:
            break
    return chosen


def _cell(flat: np.ndarray, index: int, size: int) -> Cell:
    return Cell(index // size, index % size, float(flat[index]), index)
