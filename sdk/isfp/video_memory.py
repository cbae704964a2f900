"""What is remembered of each phrase from frame to frame: a blended identifying map, the cell in use, blended mask logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isfp.lookup import Cell, best_cells
from isfp.video_motion import Motion

#: Share of the newest frame in a blend, where the picture stands still and where it moves. Of the change that noise alone makes
#: from one frame to the next a/sqrt(2 - a) is left, 0.41 for a half; what drifts is followed (1 - a)/a frames behind: even where
#: motion goes unnoticed no more than one frame, a quarter of one where it is seen.
STILL, MOVING = 0.5, 0.8
#: Mask logits are held within this of the mask's threshold, so that a pixel of which the network was sure does not outvote what it
#: sees now.
SURE = 4.0
#: By how much another cell of the blended map must be likelier than the one in use before it takes its place: one beside it, to
#: which the thing may have moved, and one farther off, which is another thing.
BESIDE, RIVAL = 0.03, 0.1


@dataclass
class _Track:
    """One phrase's past.

    Attributes:
        grid: blended identifying map `[S,S]`.
        cell: row and column of the cell in use; None while the thing is not found.
        logits: blended mask logits `[H,W]`; None before the first mask, and after a jump to another place.
    """

    grid: np.ndarray
    cell: tuple[int, int] | None = None
    logits: np.ndarray | None = None


class Memory:
    """Blends what the network says about each phrase with what it said before.

    A `Segmenter` asks it between its stages. The cell is chosen from the blended map, and the mask of that cell is computed on the
    newest frame, so that the choice is steady and the mask is not late.
    """

    def __init__(self, enter: float, leave: float, mask_threshold: float) -> None:
        """Say what counts.

        Args:
            enter: score, 0 to 1, from which on a thing is found.
            leave: score below which a thing that was found is lost.
            mask_threshold: the probability, between 0 and 1, above which a pixel belongs to the mask.
        """
        self._enter, self._leave = enter, leave
        self._middle = np.float32(np.log(mask_threshold / (1 - mask_threshold)))
        self._tracks: dict[bytes, _Track] = {}
        self._motion = Motion()

    def look_up(self, keys: Sequence[bytes], grids: np.ndarray) -> tuple[np.ndarray, list[Cell], list[int]]:
        """Choose cells; phrases that are not asked about in this frame are forgotten.

        Args:
            keys: one a phrase, the same for the same phrase in every frame.
            grids: the newest identifying maps `[P,S,S]`.

        Returns:
            The blended maps `[P,S,S]`, each phrase's cell, and the numbers of the phrases whose thing is found.
        """
        tracks: dict[bytes, _Track] = {}
        cells, found = [], []
        for number, (key, grid) in enumerate(zip(keys, grids, strict=True)):
            track = self._tracks.get(key)
            if track is None:
                track = _Track(grid.copy())
            else:
                track.grid += STILL * (grid - track.grid)
            tracks[key] = track
            cell = self._choose(track)
            cells.append(cell)
            if track.cell is not None:
                found.append(number)
        self._tracks = tracks
        return np.stack([tracks[key].grid for key in keys]), cells, found

    def steady(self, keys: Sequence[bytes], view: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Blend the masks of this frame with those before it; to be called for every frame.

        Args:
            keys: of the phrases whose thing is found.
            view: the frame, uint8 `[1,H,W,3]`.
            logits: their mask logits `[P,1,H,W]`.

        Returns:
            The blended ones, a new array.
        """
        share = STILL + (MOVING - STILL) * self._motion.seen(view)
        blended = np.array(logits)
        for channels, key in zip(blended, keys, strict=True):
            track = self._tracks[key]
            newest = np.clip(channels[0], self._middle - SURE, self._middle + SURE)
            if track.logits is None:
                track.logits = newest
            else:
                track.logits += share * (newest - track.logits)
                channels[0] = track.logits
        return blended

    def forget(self) -> None:
        """Forget everything: the next frame is the first."""
        self._tracks.clear()
        self._motion = Motion()

    def _choose(self, track: _Track) -> Cell:
        """Pick the track's cell and note it, or that the thing is lost."""
        best = best_cells(track.grid[None])[0]
        cell = best
        if track.cell is not None:
            held = _cell_at(track.grid, track.cell)
            if best.score - held.score < (BESIDE if _beside(best, track.cell) else RIVAL):
                cell = held
        if cell.score < (self._enter if track.cell is None else self._leave):
            track.cell = track.logits = None
            return best
        if track.cell is None or not _beside(cell, track.cell):
            track.logits = None  # another place: its mask has no past
        track.cell = cell.row, cell.column
        return cell


def _cell_at(grid: np.ndarray, place: tuple[int, int]) -> Cell:
    row, column = place
    return Cell(row, column, float(grid[row, column]), row * grid.shape[1] + column)


def _beside(cell: Cell, place: tuple[int, int]) -> bool:
    """Say whether a cell is at most one row and column away: a thing's neighbours are raised with it (paper, III-E)."""
    return max(abs(cell.row - place[0]), abs(cell.column - place[1])) <= 1
