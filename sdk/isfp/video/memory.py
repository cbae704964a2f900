"""The memory of a Smoother: for each phrase a blended identifying map, the cell in use, and blended mask logits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from isfp.steps.lookup import Cell, best_cells
from isfp.video.motion import Motion

#: Weight of the newest frame in a blend, where the picture is still and where it moves. With a weight a, noise changes the blend
#: from one frame to the next by a/sqrt(2 - a) as much as without blending, which is 0.41 for a half; a drift is followed with a lag
#: of (1 - a)/a frames, which is one frame where motion is not detected and a quarter of one where it is.
STILL, MOVING = 0.5, 0.8
#: Mask logits are clipped to within this of the mask's threshold, so that a pixel that was certain cannot outvote the newest frame.
SURE = 4.0
#: An object is expected within this many rows and columns of where it was: its nine cells, and one more on each side.
REACH = 2
#: By how much another object must be more likely than the one in use, summed over frames, before it replaces it: at once if the
#: difference is large, after a while if it is small, and never if the two take turns. The slack is subtracted from each difference
#: (a CUSUM test).
RIVAL, SLACK = 0.2, 0.02


@dataclass
class _Track:
    """What is remembered of one phrase.

    Attributes:
        grid: blended identifying map `[S,S]`.
        cell: row and column of the cell in use; None while the object is not found.
        logits: blended mask logits `[H,W]`; None before the first mask, and after a jump to another position.
        doubt: by how much another object was more likely, summed over frames.
    """

    grid: np.ndarray
    cell: tuple[int, int] | None = None
    logits: np.ndarray | None = None
    doubt: float = 0.0


class Memory:
    """Blends the network's outputs for each phrase with those of earlier frames.

    A `Smoother` calls it between the stages. The cell is chosen from the blended map, and the mask of that cell is computed on the
    newest frame, so that the choice is stable and the mask does not lag.
    """

    def __init__(self, enter: float, leave: float, mask_threshold: float) -> None:
        """Take the thresholds.

        Args:
            enter: minimum score, 0 to 1, at which an object is found.
            leave: score below which an object that was found is lost.
            mask_threshold: the probability, between 0 and 1, above which a pixel belongs to the mask.
        """
        self._enter, self._leave = enter, leave
        self._middle = np.float32(np.log(mask_threshold / (1 - mask_threshold)))
        self._tracks: dict[bytes, _Track] = {}
        self._before: dict[bytes, _Track] = {}  # as it was before the last look_up
        self._motion = Motion()

    def look_up(
        self, keys: Sequence[bytes], grids: np.ndarray, refused: Collection[int] = ()
    ) -> tuple[np.ndarray, list[Cell], list[int]]:
        """Choose cells; phrases that this frame is not searched for are forgotten.

        Args:
            keys: one for each phrase, the same in every frame.
            grids: the newest identifying maps `[P,S,S]`.
            refused: numbers of the phrases that are not found in this frame whatever they score; their past stays as it is.

        Returns:
            The blended maps `[P,S,S]`, each phrase's cell, and the indices of the phrases that are found.
        """
        tracks: dict[bytes, _Track] = {}
        maps, cells, found = [], [], []
        for number, (key, grid) in enumerate(zip(keys, grids, strict=True)):
            past = self._tracks.get(key)
            if number in refused:
                maps.append(grid)
                cells.append(best_cells(grid[None])[0])
                if past is not None:
                    tracks[key] = past
                continue
            blended = grid.copy() if past is None else past.grid + STILL * (grid - past.grid)
            track = _Track(blended) if past is None else replace(past, grid=blended)
            tracks[key] = track
            maps.append(blended)
            cells.append(self._choose(track))
            if track.cell is not None:
                found.append(number)
        self._before, self._tracks = self._tracks, tracks
        return np.stack(maps), cells, found

    def undo(self) -> None:
        """Take back the last `look_up`, if the frame's masks cannot be computed."""
        self._tracks = self._before

    def steady(self, keys: Sequence[bytes], letterboxed: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Blend the masks of this frame with earlier ones; call it for every frame.

        Args:
            keys: of the phrases that are found.
            letterboxed: the frame as the network sees it, uint8 `[1,H,W,3]`.
            logits: their mask logits `[P,1,H,W]`.

        Returns:
            The blended logits, a new array.
        """
        share = STILL + (MOVING - STILL) * self._motion.seen(letterboxed)
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
        self._tracks, self._before = {}, {}
        self._motion = Motion()

    def _choose(self, track: _Track) -> Cell:
        """Choose the track's cell and store it, or None if the object is lost."""
        cell = best_cells(track.grid[None])[0] if track.cell is None else _follow(track, track.cell)
        if cell.score < (self._enter if track.cell is None else self._leave):
            track.cell = track.logits = None
            return best_cells(track.grid[None])[0]
        if track.cell is None or max(abs(cell.row - track.cell[0]), abs(cell.column - track.cell[1])) > 1:
            track.logits, track.doubt = None, 0.0  # another position: its mask has no history
        track.cell = cell.row, cell.column
        return cell


def _follow(track: _Track, place: tuple[int, int]) -> Cell:
    """Return the cell of the object that was last at `place`, or of another that has been more likely for long enough."""
    rows, columns = (slice(max(0, middle - REACH), middle + REACH + 1) for middle in place)
    here, elsewhere = np.zeros_like(track.grid), track.grid.copy()
    here[rows, columns] = track.grid[rows, columns]
    elsewhere[rows, columns] = 0
    held, rival = best_cells(np.stack([here, elsewhere]))
    track.doubt = max(0.0, track.doubt + rival.score - held.score - SLACK)
    return rival if track.doubt > RIVAL else held
