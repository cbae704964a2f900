"""Training targets: gravity centre, positive grids and coarse masks (paper, III-E)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

POSITIVES = 9  # the centre's cell and its eight neighbours


def centre_cells(masks: Tensor, grid: int) -> Tensor:
    """Cell of each mask's gravity centre.

    Args:
        masks: bool `[N,H,W]`.
        grid: S.

    Returns:
        Row and column `[N,2]`, int64, in 0 … S-1; (-1, -1) for an empty mask.
    """
    weights = masks.to(torch.float64)
    height, width = masks.shape[1:]
    area = weights.sum(dim=(1, 2))
    rows = torch.arange(height, device=masks.device, dtype=torch.float64) + 0.5
    columns = torch.arange(width, device=masks.device, dtype=torch.float64) + 0.5
    y = (weights.sum(dim=2) @ rows) / area.clamp(min=1) / height
    x = (weights.sum(dim=1) @ columns) / area.clamp(min=1) / width
    cells = (torch.stack((y, x), dim=1) * grid).long().clamp(0, grid - 1)
    return torch.where(area[:, None] > 0, cells, -1)


def positive_cells(centres: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """Return the positive grids G_pos: the centre's cell and its neighbours, clipped at the border.

    Args:
        centres: row and column `[N,2]`; (-1, -1) for absent objects.
        grid: S.

    Returns:
        Cells c = i·S + j `[N,9]` (0 outside the grid), and which of them are inside, bool `[N,9]`. The centre is in the middle.
    """
    steps = torch.tensor([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)], device=centres.device)
    places = centres[:, None, :] + steps
    counts = ((places >= 0) & (places < grid)).all(dim=-1) & (centres[:, :1] >= 0)
    return torch.where(counts, places[..., 0] * grid + places[..., 1], 0), counts


def among_positives(chosen: Tensor, cells: Tensor, counts: Tensor) -> Tensor:
    """Whether chosen cells `[N,1]` are positive grids, as `positive_cells` gives them `[N,9]`, `[N,9]`: bool `[N]`."""
    return ((cells == chosen) & counts).any(dim=1)


def some_positives(cells: Tensor, counts: Tensor, number: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Keep the centre, in the middle, and some of its neighbours, the same ones for all objects (ours: masks take long to compute).

    Args:
        cells: as `positive_cells` gives them `[N,9]`.
        counts: which of them are inside the grid `[N,9]`.
        number: how many to keep, odd.
        draw: chooses the neighbours.

    Returns:
        `[N,number]`, `[N,number]`.
    """
    if number == POSITIVES:
        return cells, counts
    middle, beside = POSITIVES // 2, number // 2
    kept = torch.randperm(POSITIVES - 1, generator=draw)[: number - 1].to(cells.device)
    kept = kept + (kept >= middle)
    kept = torch.cat((kept[:beside], kept.new_tensor([middle]), kept[beside:]))
    return cells[:, kept], counts[:, kept]


def bounding_boxes(masks: Tensor) -> Tensor:
    """Bounding boxes of masks: bool `[N,H,W]` -> x and y of the centre, half the width and half the height `[N,4]`.

    All are shares of the frame's width or height; an empty mask has the whole frame.
    """
    sides = []
    for across in (masks.any(dim=1), masks.any(dim=2)):  # columns, rows
        seen, size = across.to(torch.uint8), across.shape[1]
        first, after = seen.argmax(dim=1), size - seen.flip(1).argmax(dim=1)
        sides.append(((first + after) / (2 * size), (after - first) / (2 * size)))
    (x, half_width), (y, half_height) = sides
    return torch.stack((x, y, half_width, half_height), dim=1)


def identifying_target(cells: Tensor, counts: Tensor, grid: int) -> Tensor:
    """Eq. 5: 1 on the positive grids, 0 elsewhere, and all 0 for absent objects. `[N,9]`, `[N,9]` -> `[N,S,S]`."""
    target = torch.zeros(len(cells), grid * grid, device=cells.device)
    return target.scatter_add_(1, cells, counts.to(target.dtype)).clamp_(max=1).view(-1, grid, grid)


def coarse_masks(masks: Tensor, stride: int = 8) -> Tensor:
    """Masks at the Segmentation Branch's size, as the share of each place that is covered: `[N,H,W]` -> `[N,H/8,W/8]` in 0 … 1.

    A share and not a binary value (ours): it preserves where the border runs within a place, which the upsampled logits then
    follow.
    """
    return functional.avg_pool2d(masks.unsqueeze(1).to(torch.float32), stride).squeeze(1)
