"""A bounding box for each grid cell, which bounds its mask."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

FURTHEST = 4.0  # half boxes: offsets are clipped there, so that a small box does not make them huge


class CellBoxes(nn.Module):
    """Predict the box of a cell's object from the features at the cell (prior work: FCOS, Tian et al. 2019), and measure in it.

    At the start of training, a box is centred on its cell and four cells wide.

    Args:
        channels: of the features.
        grid: S.
        slope: negative slope of the leaky ReLU.
    """

    def __init__(self, channels: int, grid: int, slope: float) -> None:
        super().__init__()
        self.grid = grid
        last = nn.Linear(channels, 4)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.head = nn.Sequential(nn.Linear(channels, channels), nn.LeakyReLU(slope), last)
        self.steepness = nn.Parameter(torch.tensor(1.0))  # logits by which a point loses for each half box that it is outside

    def forward(self, seen: Tensor, cells: Tensor) -> Tensor:
        """Features at the cells `[P,K,C]`, cells `[P,K]` -> x and y of the centre, half the width and half the height, `[P,K,4]`.

        All are shares of the frame's side.
        """
        moved, sizes = self.head(seen).split(2, dim=2)
        rows, columns = rows_and_columns(cells, self.grid)
        centres = (torch.stack((columns, rows), dim=2) + 0.5 + 2 * moved) / self.grid
        return torch.cat((centres, 2 / self.grid * torch.exp(sizes)), dim=2)

    def offsets(self, boxes: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Where the rows and columns of points are in their boxes: 0 at the centre, -1 and 1 at the edges, at most `FURTHEST`.

        Masks do not train the boxes: they learn from true boxes alone. `[P,K,4]` -> `[P,K,height]`, `[P,K,width]`.
        """
        across, along, half_width, half_height = boxes.detach().split(1, dim=2)
        return _within(along, half_height, height), _within(across, half_width, width)

    def outside(self, down: Tensor, right: Tensor) -> Tensor:
        """What points lose for being outside: offsets `[P,K,H]`, `[P,K,W]` -> logits `[P,K,H,W]`."""
        lost = (self.steepness * functional.relu(offsets.abs() - 1) for offsets in (down, right))
        vertical, horizontal = lost
        return vertical.unsqueeze(3) + horizontal.unsqueeze(2)


def rows_and_columns(cells: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of cells c = i·S + j, as floats: `[P,K]` -> `[P,K]`, `[P,K]`."""
    rows = torch.floor((cells + 0.5) / grid)  # an integer remainder would be six nodes
    return rows, cells - rows * grid


def _within(centres: Tensor, halves: Tensor, size: int) -> Tensor:
    points = (torch.arange(size, device=centres.device, dtype=torch.float32) + 0.5) / size
    return ((points - centres) / halves).clamp(-FURTHEST, FURTHEST)
