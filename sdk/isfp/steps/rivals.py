"""Rivals: other objects that score about as high as the chosen one, so that the choice is in doubt (ours)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isfp.steps.lookup import Cell, peaks

#: An object is a rival if its peak has at least this share of the chosen object's score. Scores near 1 are saturated: in a frame of
#: two mugs, "the mug" scores 0.99 and 0.98, "the mug next to the hat" 0.99 and 0.93, "the blue mug" 1.00 and 0.03.
RIVAL_SHARE = 0.8


@dataclass(frozen=True)
class Rival:
    """An object that a phrase might mean as well.

    Attributes:
        cell: row i and column j of its cell.
        score: the identifying map's probability there, 0 to 1.
    """

    cell: tuple[int, int]
    score: float

    def is_beside(self, chosen: Cell) -> bool:
        """Whether it is two cells from the chosen one, the least distance of two peaks."""
        return max(abs(self.cell[0] - chosen.row), abs(self.cell[1] - chosen.column)) <= 2


def rivals_of(chosen: Cell, identifying_map: np.ndarray, threshold: float) -> tuple[Rival, ...]:
    """Return the rivals of a chosen cell, best first.

    Args:
        chosen: the cell that was chosen.
        identifying_map: probabilities `[S,S]`.
        threshold: minimum score for a match; what is below is no rival.
    """
    least = max(threshold, RIVAL_SHARE * chosen.score)
    elsewhere = identifying_map >= least
    elsewhere[max(0, chosen.row - 1) : chosen.row + 2, max(0, chosen.column - 1) : chosen.column + 2] = False
    if not elsewhere.any():
        return ()
    return tuple(
        Rival((peak.row, peak.column), peak.score)
        for peak in peaks(identifying_map, identifying_map.size, least)
        if max(abs(peak.row - chosen.row), abs(peak.column - chosen.column)) > 1
    )
