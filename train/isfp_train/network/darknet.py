"""DarkNet53 (Redmon and Farhadi, YOLOv3), the paper's backbone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from isfp_train.errors import ConfigurationError, DataMissingError
from isfp_train.network.layers import ConvBlock

BLOCKS = (1, 2, 8, 8, 4)


class Residual(nn.Module):
    """A 1×1 and a 3×3 convolution added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvBlock(channels, channels // 2, 1), ConvBlock(channels // 2, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,H,W]` -> `[N,C,H,W]`."""
        return x + self.body(x)


class DarkNet53(nn.Module):
    """Maps of 256, 512 and 1024 channels at strides 8, 16 and 32."""

    channels = (256, 512, 1024)
    mean = (0.0, 0.0, 0.0)  # of pixels / 255
    std = (1.0, 1.0, 1.0)

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBlock(3, 32, 3)
        width = 32
        stages = []
        for count in BLOCKS:
            stages.append(nn.Sequential(ConvBlock(width, width * 2, 3, stride=2), *(Residual(width * 2) for _ in range(count))))
            width *= 2
        self.stages = nn.ModuleList(stages)

    def load_darknet(self, path: Path) -> None:
        """Load Darknet's own format: a header, then each convolution's bias, scale, mean, variance and weights, in order.

        Raises:
            DataMissingError: the file does not exist.
            ConfigurationError: the file has fewer numbers than DarkNet53's 52 convolutions.
        """
        if not path.is_file():
            raise DataMissingError(f"There are no Darknet weights at {path}.")
        with path.open("rb") as file:
            major, minor, _ = np.fromfile(file, np.int32, 3)
            np.fromfile(file, np.int64 if major * 10 + minor >= 2 else np.int32, 1)  # pictures seen
            numbers = torch.from_numpy(np.fromfile(file, np.float32))
        blocks = [module for module in self.modules() if isinstance(module, ConvBlock)]
        wanted = sum(value.numel() for block in blocks for value in _darknet_order(block))
        if len(numbers) < wanted:
            raise ConfigurationError(f"{path} has {len(numbers)} numbers; DarkNet53 needs {wanted}. The file may be truncated.")
        place = 0
        with torch.no_grad():
            for block in blocks:
                for value in _darknet_order(block):
                    value.copy_(numbers[place : place + value.numel()].view_as(value))
                    place += value.numel()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`[N,3,H,W]` -> `[N,256,H/8,W/8]`, `[N,512,H/16,W/16]`, `[N,1024,H/32,W/32]`."""
        x = self.stages[1](self.stages[0](self.stem(x)))
        large = self.stages[2](x)
        medium = self.stages[3](large)
        return large, medium, self.stages[4](medium)


def _darknet_order(block: ConvBlock) -> tuple[Tensor, ...]:
    norm, convolution = block[1], block[0]
    assert isinstance(norm, nn.BatchNorm2d)
    assert isinstance(convolution, nn.Conv2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.bias, norm.weight, norm.running_mean, norm.running_var, convolution.weight
