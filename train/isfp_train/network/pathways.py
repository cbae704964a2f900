"""The two pathways over the fused maps (paper, Fig. 3): down to F_ide, up to F_seg."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from isfp_train.network.fusion import Maps, fuse
from isfp_train.network.layers import ConvBlock


class DownPathway(nn.Module):
    """Join the fused maps from fine to coarse into F_ide, for the Identification Branch.

    Levels are joined as in prior work: a 2×2 average is concatenated with the next level's map, then a 1×1 convolution follows. The
    average commutes with the product of Eq. 1, so the finest level is averaged before it is fused with phrases, once per frame. The
    last join happens at the grid's size. At 416 pixels that is the H_s × W_s of the paper, and the resize is exactly the 2×2
    average; at other sizes F_ide does not pass through a map coarser than the grid.

    With `at_grid` (ours), the levels are resized to the grid before they are fused with phrases, once per frame. Resizing commutes
    with the product too, and everything that depends on a phrase is then computed at S×S.
    """

    def __init__(self, fused: int, channels: int, grid: int, slope: float, at_grid: bool = False) -> None:
        super().__init__()
        self.grid, self.at_grid = grid, at_grid
        self.medium = ConvBlock(2 * fused, channels, 1, slope=slope)
        self.small = ConvBlock(channels + fused, channels, 1, slope=slope)

    def forward(self, visual: Maps, phrases: Tensor, scenes: Tensor | None = None) -> Tensor:
        """Join the levels.

        Args:
            visual: visual maps `[P or 1,C,…]`, or `[B,C,…]` with `scenes`.
            phrases: `[P,C]`.
            scenes: row of the visual maps for each phrase `[P]`.

        Returns:
            F_ide `[P,D,S,S]`.
        """
        large, medium, small = visual
        joined = torch.cat((functional.avg_pool2d(large, 2), medium), dim=1)
        if self.at_grid:
            joined = _resize(joined, self.grid)
        small = _resize(small, self.grid)
        if scenes is not None:
            joined, small = joined.index_select(0, scenes), small.index_select(0, scenes)
        x = self.medium(fuse(joined, phrases.repeat(1, 2)))
        return self.small(torch.cat((_resize(x, self.grid), fuse(small, phrases)), dim=1))


class UpPathway(nn.Module):
    """Join the maps from coarse to fine into F_seg, for the Segmentation Branch."""

    def __init__(self, fused: int, channels: int, slope: float) -> None:
        super().__init__()
        self.medium = ConvBlock(2 * fused, channels, 1, slope=slope)
        self.large = ConvBlock(channels + fused, channels, 1, slope=slope)

    def forward(self, visual: Maps, phrases: Tensor | None = None) -> Tensor:
        """Visual maps `[P or 1,C,…]`, phrases `[P,C]` -> F_seg `[P,D,H/8,W/8]`; without phrases nothing is multiplied."""
        large, medium, small = visual
        if phrases is not None:
            large, medium, small = (fuse(level, phrases) for level in visual)
        return self.large.of_doubled(self.medium.of_doubled(small, medium), large)


def _resize(x: Tensor, size: int) -> Tensor:
    if x.shape[2] == size and x.shape[3] == size:
        return x
    return functional.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)
