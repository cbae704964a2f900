"""What is remembered of each phrase from frame to frame: a blended identifying map, the cell in use, blended mask logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isfp.steps.lookup import Cell, best_cells
from isfp.video.motion import Motion

#: Share of the newest frame in a blend, where the picture stands still and where it moves. Of the change that noise alone makes
#: from one frame to the next a/sqrt(2 - a) is left, 0.41 for a half; what drifts is followed (1 - a)/a frames behind: even where
#: motion goes unnoticed no more than one frame, a quarter of one where it is seen.
STILL, MOVING = 0.5, 0.8
#: Mask logits are held within this of the mask's threshold, so that a pixel of which the network was sure does not outvote what it
#: sees now.
SURE = 4.0
#: A thing is looked for within so many cells, in rows and columns, of where it was: its nine cells, and one more.
REACH = 2
#: By how much another thing must be likelier than the one in use, added up over frames, before it takes its place: at once where it
#: is clearly so, after a while where it is a little so, and not where the two take turns. The slack is taken off each difference
#: (a CUSUM test).
RIVAL, SLACK = 0.2, 0.02


@dataclass
class _Track:
    """One phrase's past.

    Attributes:
        grid: blended identifying map `[S,S]`.
        cell: row and column of the cell in use; None while the thing is not found.
        logits: blended mask logits `[H,W]`; None before the first mask, and after a jump to another place.
        doubt: by how much another thing was likelier, added up.
    """

    grid: np.ndarray
    cell: tuple[int, int] | None = None
    logits: np.ndarray | None = None
    doubt: float = 0.0


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
        cell = best_cells(track.grid[None])[0] if track.cell is None else _follow(track, track.cell)
        if cell.score < (self._enter if track.cell is None else self._leave):
            track.cell = track.logits = None
            return best_cells(track.grid[None])[0]
        if track.cell is None or max(abs(cell.row - track.cell[0]), abs(cell.column - track.cell[1])) > 1:
            track.logits, track.doubt = None, 0.0  # another place: its mask has no past
        track.cell = cell.row, cell.column
        return cell


def _follow(track: _Track, place: tuple[int, int]) -> Cell:
    """Return the cell of the thing that was last at `place`, or of another one that has been likelier for long enough."""
    rows, columns = (slice(max(0, middle - REACH), middle + REACH + 1) for middle in place)
    here, elsewhere = np.zeros_like(track.grid), track.grid.copy()
    here[rows, columns] = track.grid[rows, columns]
    elsewhere[rows, columns] = 0
    held, rival = best_cells(np.stack([here, elsewhere]))
    track.doubt = max(0.0, track.doubt + rival.score - held.score - SLACK)
    return rival if track.doubt > RIVAL else held
