"""The Refinement Module (paper III-D): it adds the detail of the picture to the coarse mask."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from isfp_train.network.guided_filter import GuidedFilter
from isfp_train.network.layers import ConvBlock, convolve_both

SHRINK = 4  # frame and mask are joined at the frame's size divided by this
RADIUS, FLOOR = 2, 1e-4  # of the guided filter (ours): the best among radii 2 to 6 and two floors (docs/experiments.md)
START_SHARPNESS = 4.0  # initial logit of a guided mask of 1


def enlarge(masks: Tensor, height: int, width: int) -> Tensor:
    """Resize masks to the frame's size: logits `[P,K,h,w]` -> `[P,K,height,width]`."""
    return functional.interpolate(masks, size=(height, width), mode="bilinear", align_corners=False)


class Refinement(nn.Module):
    """Three 3×3 convolutions over frame and coarse mask, with upsampling in between, added to the upsampled coarse mask.

    The paper leaves the sizes open. Here frame and mask are joined at a quarter of the frame's size, so that two doublings end at
    the full size. The frame keeps all its pixels, with 4×4 of them as channels of one place: an average would blur the outline
    that the module is meant to recover. The mask enters as a probability, in 0 … 1 like the frame. The sum is one of logits, and
    equals the coarse mask at the start of training.

    With `guided` (ours), a guided filter first gives the coarse mask the edges of the frame. The convolutions read that mask too,
    and their output is added to it instead of to the upsampled coarse mask.

    With `patches` (ours), the 4×4 pixels of a place are reduced to a few channels before the first convolution, and the last one
    works at half the frame's size and gives 2×2 pixels per place. This takes an eighth of the arithmetic.

    With `small` (ours), all convolutions work at a quarter of the frame's size, and the last one gives 4×4 pixels per place.
    """

    def __init__(
        self, channels: tuple[int, int], slope: float, guided: bool = False, patches: bool = False, small: bool = False
    ) -> None:
        super().__init__()
        first, second = channels
        planes = 4 if guided else 3
        self.guide = GuidedFilter(RADIUS, FLOOR) if guided else None
        if guided:
            self.sharpness = nn.Parameter(torch.tensor(START_SHARPNESS))
        self.embed = nn.Conv2d(planes, first - 1, SHRINK, stride=SHRINK) if patches else None
        self.at_quarter = ConvBlock(first if patches else planes * SHRINK**2 + 1, first, 3, slope=slope)
        self.at_half = ConvBlock(first, second, 3, slope=slope)
        self.small, self.points = small, SHRINK if small else 2 if patches else 1
        self.at_full = nn.Conv2d(second, self.points**2, 3, padding=1)
        nn.init.zeros_(self.at_full.weight)

    def forward(self, frame: Tensor, coarse: Tensor) -> Tensor:
        """RGB frame `[N or 1,3,H,W]` in 0 … 1, coarse masks `[N,h,w]`, logits -> refined masks `[N,H,W]`, logits.

        What depends on the frame alone is computed once for all masks of one frame.
        """
        height, width = frame.shape[2:]
        mask = coarse.unsqueeze(1)
        size = (height // SHRINK, width // SHRINK)
        seen = torch.sigmoid(functional.interpolate(mask, size=size, mode="bilinear", align_corners=False))
        if self.guide is None:
            base = functional.interpolate(mask, size=(height, width), mode="bilinear", align_corners=False)
            guided = None
        else:
            guided = self.guide(seen, frame)
            base = self.sharpness * (2 * guided - 1)
        x = self._joined(frame, guided, seen)
        x = self.at_half(x if self.small else _doubled(x))
        x = self.at_full(_doubled(x) if self.points == 1 else x)
        return ((x if self.points == 1 else functional.pixel_shuffle(x, self.points)) + base).squeeze(1)

    def _joined(self, frame: Tensor, guided: Tensor | None, seen: Tensor) -> Tensor:
        """The first convolutions: `[N or 1,3,H,W]`, `[N,1,H,W]` or None, `[N,1,H/4,W/4]` -> `[N,first,H/4,W/4]`."""
        if self.embed is None:
            pixels = functional.pixel_unshuffle(frame, SHRINK)
            own = seen if guided is None else torch.cat((functional.pixel_unshuffle(guided, SHRINK), seen), dim=1)
            return self.at_quarter.of_both(pixels, own)
        if guided is None:
            return self.at_quarter.of_both(self.embed(frame), seen)
        pixels = convolve_both(frame, guided, self.embed.weight, self.embed.bias, SHRINK)
        return self.at_quarter(torch.cat((pixels, seen), dim=1))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
