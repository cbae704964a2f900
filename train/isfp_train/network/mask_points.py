"""What masks read at their own points: the features of the Segmentation Branch, and the frame itself."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from isfp_train.network.layers import ConvBlock

STRIDE = 8  # of the Segmentation Branch's features


class MaskPoints(nn.Module):
    """Features for each point of the coarse mask, from a phrase's features at stride 8 and from the frame's pixels (ours).

    At stride 8 a place of the features covers several small things, and nothing that is computed from it can part them. The frame
    can: its patches become channels, two convolutions join them with the phrase's features, and the part that depends on the
    frame alone is computed once for all phrases.

    Args:
        inputs: channels of the phrase's features.
        channels: channels of the result.
        detail: points per side for each place of the features, D.
        slope: negative slope of the leaky ReLUs.
    """

    def __init__(self, inputs: int, channels: int, detail: int, slope: float) -> None:
        super().__init__()
        self.detail, self.slope = detail, slope
        side = STRIDE // detail
        self.patches = nn.Sequential(
            nn.Conv2d(3, channels, side, stride=side, bias=False), nn.BatchNorm2d(channels), nn.LeakyReLU(slope, inplace=True)
        )
        self.edges = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.squeeze = nn.Conv2d(inputs, channels * detail**2, 1)
        self.spread = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.join = ConvBlock(channels, channels, 3, slope=slope)

    def of_frame(self, frame: Tensor) -> Tensor:
        """RGB frame uint8 `[N,H,W,3]` -> `[N,C,D·H/8,D·W/8]`."""
        picture = frame.permute(0, 3, 1, 2).to(self.squeeze.weight.dtype) / 255
        return self.edges(self.patches(picture))

    def forward(self, features: Tensor, pixels: Tensor) -> Tensor:
        """A phrase's features `[P,A,h,w]`, the frame's `[P or 1,C,D·h,D·w]` -> `[P,C,D·h,D·w]`."""
        spoken = self.spread(functional.pixel_shuffle(self.squeeze(features), self.detail))
        return self.join(functional.leaky_relu(spoken + pixels, self.slope))
