"""A small network for each cell, whose weights are computed at the cell, and which reads the offset from it (CondInst)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from isfp_train.network.cell_boxes import CellBoxes, rows_and_columns
from isfp_train.network.mask_points import MaskPoints


class ConditionalMasks(nn.Module):
    """What a cell adds to its mask: two hidden layers and an output, per point, with weights computed at the cell.

    A row of the last layer is linear in the features of a place, so it cannot say "red, and near the cell": it takes a neighbour
    that looks alike for a part of the object. These layers read the offset from the cell's centre beside the features, and can
    bound the object (prior work: CondInst, Tian et al. 2020). The output's weights are 0 at the start, so nothing is added.

    With `boxes` (ours), the cell also predicts the object's bounding box. Offsets are then in units of this box, and a point
    outside loses for its distance from it, from the start.

    With `pixels` (ours), the layers read the frame too; see `MaskPoints`.

    Args:
        channels: of the features.
        width: channels of the hidden layers.
        detail: points per side for each place, D.
        grid: S.
        slope: negative slope of the leaky ReLUs.
        boxes: whether boxes are predicted.
        pixels: channels of the features of points that also come from the frame; 0 for none.
    """

    def __init__(
        self, channels: int, width: int, detail: int, grid: int, slope: float, boxes: bool = False, pixels: int = 0
    ) -> None:
        super().__init__()
        self.width, self.detail, self.grid, self.slope = width, detail, grid, slope
        self.inputs = pixels or width
        #: Numbers of weights: two offsets into the first layer, the features, then a bias; and so on.
        self.counts = (2 * width, self.inputs * width, width, width * width, width, width, 1)
        self.points = MaskPoints(channels, pixels, detail, slope) if pixels else None
        if not pixels:
            self.squeeze = nn.Conv2d(channels, width * detail**2, 1)
        last = nn.Linear(channels, sum(self.counts))
        self.controller = nn.Sequential(nn.Linear(channels, channels), nn.LeakyReLU(slope), last)
        nn.init.normal_(last.weight, std=0.01)
        fans = (self.inputs + 2, self.inputs + 2, 0, width, 0, 0, 0)  # inputs of a layer, for weights that are not 0 at the start
        with torch.no_grad():
            for bias, fan in zip(last.bias.split(self.counts), fans, strict=True):
                bias.copy_(torch.randn(len(bias)) * (2 / fan) ** 0.5 if fan else torch.zeros(len(bias)))
            last.weight[-width - 1 :] = 0
        self.boxes = CellBoxes(channels, grid, slope) if boxes else None

    def of_frame(self, frame: Tensor) -> Tensor | None:
        """What points read of a frame alone: RGB uint8 `[N,H,W,3]` -> `[N,A,D·H/8,D·W/8]`, or None if they read nothing of it."""
        return None if self.points is None else self.points.of_frame(frame)

    def forward(self, features: Tensor, seen: Tensor, cells: Tensor, pixels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Compute what is added to the masks.

        Args:
            features: `[P,C,h,w]`.
            seen: the features at the cells `[P,K,C]`.
            cells: `[P,K]`.
            pixels: what `of_frame` gave `[P or 1,A,D·h,D·w]`.

        Returns:
            Logits `[P,K,D·h,D·w]`, and the cells' boxes `[P,K,4]` as `CellBoxes` gives them, or None.
        """
        if self.points is None:
            x = functional.pixel_shuffle(self.squeeze(features), self.detail)
        else:
            assert pixels is not None
            x = self.points(features, pixels)
        phrases, masks, (height, width) = *cells.shape, x.shape[2:]
        aside, first, first_bias, second, second_bias, last, last_bias = self.controller(seen).split(self.counts, dim=2)
        boxes = outside = None
        if self.boxes is None:
            rows, columns = rows_and_columns(cells, self.grid)
            down, right = _offsets(rows, self.grid, height), _offsets(columns, self.grid, width)
        else:
            boxes = self.boxes(seen, cells)
            down, right = self.boxes.offsets(boxes, height, width)
            outside = self.boxes.outside(down, right)
        aside = aside.reshape(phrases, masks, self.width, 2, 1, 1)
        x = first.reshape(phrases, masks * self.width, self.inputs) @ x.flatten(2)
        x = x.reshape(phrases, masks, self.width, height, width) + aside[:, :, :, 0] * right[:, :, None, None, :]
        x = x + (aside[:, :, :, 1] * down[:, :, None, :, None] + first_bias[..., None, None])
        x = functional.leaky_relu(x, self.slope).flatten(3)
        x = second.reshape(phrases, masks, self.width, self.width) @ x + second_bias.unsqueeze(3)
        x = last.unsqueeze(2) @ functional.leaky_relu(x, self.slope)
        x = (x.squeeze(2) + last_bias).reshape(phrases, masks, height, width)
        return x if outside is None else x - outside, boxes


def _offsets(lines: Tensor, grid: int, size: int) -> Tensor:
    """Distances of `size` points in a row from the centres of rows or columns of cells `[P,K]`, in pairs of cells: `[P,K,size]`."""
    points = (torch.arange(size, device=lines.device, dtype=torch.float32) + 0.5) * (grid / (2 * size))
    return points - (lines.unsqueeze(2) + 0.5) / 2
