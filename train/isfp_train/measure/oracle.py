"""Table II: the accuracy of each branch if the other made no errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from isfp.steps.letterbox import Framing, Letterbox
from isfp_train.data.scene import SceneObject
from isfp_train.data.store.store import FILL
from isfp_train.run.targets import positive_cells

#: "location": the true cell with the mask of the model (Table II a). "mask": the cell of the model with the true mask of the object
#: that this cell selects (Table II b).
Oracle = Literal["location", "mask"]
ORACLES: dict[str, Oracle | None] = {"": None, "location": "location", "mask": "mask"}


class SceneGrid:
    """The cells of the identifying map over one scene.

    Args:
        height: height of the scene in pixels.
        width: width of the scene in pixels.
        size: side of the network's input in pixels.
        grid: S.
    """

    def __init__(self, height: int, width: int, size: int, grid: int) -> None:
        self.size, self.grid = size, grid
        self.letterbox: Letterbox = Framing(size, size, FILL).letterbox(height, width)

    def place(self, obj: SceneObject) -> np.ndarray:
        """Row and column of an object's gravity centre, float `[2]` in 0 … S."""
        x, y = self.letterbox.points_to_input(np.array(obj.centre))
        return np.clip(np.array([y, x]) / self.size * self.grid, 0, self.grid - 1e-6)

    def true_cell(self, obj: SceneObject) -> int:
        """Index i·S + j of the cell that holds an object's gravity centre."""
        row, column = self.place(obj).astype(int)
        return int(row * self.grid + column)

    def positives(self, obj: SceneObject) -> set[int]:
        """An object's positive grids: the centre's cell and its neighbours (paper, III-E)."""
        cells, counts = positive_cells(torch.from_numpy(self.place(obj).astype(np.int64)[None]), self.grid)
        return set(cells[counts].tolist())

    def selected(self, objects: Sequence[SceneObject], cell: int, target: int | None) -> int | None:
        """The object that a cell selects: the phrase's target if the cell is one of its positive grids, as in training.

        Otherwise the object with the nearest centre among those that have it as a positive grid; None if there is none.
        """
        if target is not None and cell in self.positives(objects[target]):
            return target
        middle = np.array([cell // self.grid, cell % self.grid]) + 0.5
        mine = [n for n, obj in enumerate(objects) if cell in self.positives(obj)]
        return min(mine, key=lambda n: float(np.abs(self.place(objects[n]) - middle).sum()), default=None)
