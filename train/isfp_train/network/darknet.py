"""DarkNet53 (Redmon and Farhadi, YOLOv3), the paper's backbone."""

from __future__ import annotations

from torch import Tensor, nn

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

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`[N,3,H,W]` -> `[N,256,H/8,W/8]`, `[N,512,H/16,W/16]`, `[N,1024,H/32,W/32]`."""
        x = self.stages[1](self.stages[0](self.stem(x)))
        large = self.stages[2](x)
        medium = self.stages[3](large)
        return large, medium, self.stages[4](medium)
