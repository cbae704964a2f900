"""The Identification Branch (paper III-B): one Instance-Specific Feature (ISF) for each grid cell."""

from __future__ import annotations

from torch import Tensor, nn

from isfp_train.network.layers import ConvBlock, with_coordinates


class IdentificationBranch(nn.Module):
    """Four 3×3 convolutions on F_ide at S×S make the ISF map F_ins."""

    def __init__(self, inputs: int, channels: int, coordinates: bool, slope: float) -> None:
        super().__init__()
        self.coordinates = coordinates
        widths = [inputs + 2 * coordinates, channels, channels, channels]
        self.body = nn.Sequential(*(ConvBlock(width, channels, 3, slope=slope) for width in widths))

    def forward(self, features: Tensor) -> Tensor:
        """F_ide `[P,D,S,S]` -> F_ins `[P,C,S,S]`."""
        return self.body(with_coordinates(features) if self.coordinates else features)
