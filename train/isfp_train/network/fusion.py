"""Fusion of vision and language by multiplication (Eq. 1)."""

from __future__ import annotations

from torch import Tensor, nn

from isfp_train.network.layers import ConvBlock, with_coordinates

Maps = tuple[Tensor, Tensor, Tensor]


class VisualProjection(nn.Module):
    """f_v W_v of Eq. 1 on all three levels: computed once per frame, whatever the number of phrases.

    With coordinates, x and y are further channels of f_v (prior work: CMSA, CMPC). So words such as "left" are multiplied with
    position itself and not only with what is visible there.
    """

    def __init__(self, inputs: tuple[int, int, int], channels: int, coordinates: bool, slope: float) -> None:
        super().__init__()
        self.coordinates = coordinates
        self.levels = nn.ModuleList(ConvBlock(count + 2 * coordinates, channels, 1, slope=slope) for count in inputs)

    def forward(self, maps: Maps) -> Maps:
        """Backbone maps `[N,C_l,H/8,W/8]`, … -> `[N,C,H/8,W/8]`, `[N,C,H/16,W/16]`, `[N,C,H/32,W/32]`."""
        if self.coordinates:
            maps = (with_coordinates(maps[0]), with_coordinates(maps[1]), with_coordinates(maps[2]))
        large, medium, small = (level(features) for level, features in zip(self.levels, maps, strict=True))
        return large, medium, small


class PhraseProjection(nn.Module):
    """F_t W_t of Eq. 1: linear, batch norm, leaky ReLU (prior work)."""

    def __init__(self, inputs: int, channels: int, slope: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(inputs, channels, bias=False), nn.BatchNorm1d(channels), nn.LeakyReLU(slope, inplace=True)
        )

    def forward(self, phrase: Tensor) -> Tensor:
        """F_t `[P,C_l]` -> `[P,C]`."""
        return self.body(phrase)


def of_scenes(visual: Maps, scenes: Tensor) -> Maps:
    """Repeat the maps of `B` frames for each phrase: `[B,C,…]`, the frame of each phrase `[P]` -> `[P,C,…]`."""
    large, medium, small = (level.index_select(0, scenes) for level in visual)
    return large, medium, small


def fuse(visual: Tensor, phrases: Tensor) -> Tensor:
    """Multiply each place by the phrase (Eq. 1): `[P or 1,C,H,W]`, `[P,C]` -> `[P,C,H,W]`."""
    return visual * phrases[:, :, None, None]
