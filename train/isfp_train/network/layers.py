"""The convolution block that the whole network uses, and the coordinate channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """A convolution, batch norm and leaky ReLU (paper, IV-A: after every convolution but the last of each module)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, slope: float = 0.1) -> None:
        super().__init__(
            nn.Conv2d(
                inputs,
                outputs,
                kernel,
                stride=stride,
                padding=dilation * (kernel // 2),
                dilation=dilation,
                bias=False,
            ),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(slope, inplace=True),
        )


def with_coordinates(features: Tensor) -> Tensor:
    """Append x and y in -1 … 1 as two channels: `[N,C,H,W]` -> `[N,C+2,H,W]` (CoordConv)."""
    count, _, height, width = features.shape
    x = torch.linspace(-1.0, 1.0, width, device=features.device, dtype=features.dtype)
    y = torch.linspace(-1.0, 1.0, height, device=features.device, dtype=features.dtype)
    grid = torch.stack((x.expand(height, width), y[:, None].expand(height, width)))
    return torch.cat((features, grid.expand(count, -1, -1, -1)), dim=1)
