"""A guided filter: a mask that follows the picture's colours (prior work: He, Sun and Tang 2010; fast form: He and Sun 2015).

In each small window, the mask is modelled as a linear function of the colours, fitted by least squares. Where an object's border
crosses the window, that function jumps where the colours do, so a blurred mask gets the sharp edge of the picture. The filter has
no parameters. It multiplies mask and picture, which convolutions over their concatenation cannot do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class GuidedFilter(nn.Module):
    """Fit at the mask's size, apply at the picture's.

    Args:
        radius: radius of the square window, in places of the mask.
        floor: added to the variances of the colours, which are in 0 … 1 (ε of the paper). Where colours differ by much less than
            its square root, the window counts as flat and the mask is averaged.
    """

    def __init__(self, radius: int, floor: float) -> None:
        super().__init__()
        self.radius, self.floor = radius, floor

    def forward(self, mask: Tensor, picture: Tensor) -> Tensor:
        """Mask `[N,1,h,w]` and picture `[N or 1,3,H,W]`, both in 0 … 1, H a multiple of h -> mask `[N,1,H,W]`.

        What depends on the picture alone is computed once for all masks of one picture. The result can be slightly outside 0 … 1.
        """
        picture = picture - 0.5  # centred values have smaller squares, whose differences are more accurate
        small = functional.avg_pool2d(picture, picture.shape[2] // mask.shape[2])
        fit = functional.interpolate(self._fit(mask, small), size=picture.shape[2:], mode="bilinear", align_corners=False)
        return (fit[:, :3] * picture).sum(dim=1, keepdim=True) + fit[:, 3:]

    def _fit(self, mask: Tensor, picture: Tensor) -> Tensor:
        """Weights of red, green and blue and a constant, averaged over all windows that contain a place: `[N,4,h,w]`."""
        red, green, blue = picture.split(1, dim=1)
        squares = torch.cat((red * red, red * green, red * blue, green * green, green * blue, blue * blue), dim=1)
        r, g, b, rr, rg, rb, gg, gb, bb = self._box(torch.cat((picture, squares), dim=1)).split(1, dim=1)
        # The symmetric system (Σ + ε) a = cov(colours, mask), by L D Lᵀ, which is stable even for nearly grey colours.
        d1 = rr - r * r + self.floor
        s21, s31 = rg - r * g, rb - r * b
        l21, l31 = s21 / d1, s31 / d1
        d2 = gg - g * g + self.floor - l21 * s21
        s32 = gb - g * b - l31 * s21
        l32 = s32 / d2
        d3 = bb - b * b + self.floor - l31 * s31 - l32 * s32
        i1, i2, i3 = 1 / d1, 1 / d2, 1 / d3  # so that masks of one picture share the divisions too
        m, rm, gm, bm = self._box(torch.cat((mask, picture * mask), dim=1)).split(1, dim=1)
        y1 = rm - r * m
        y2 = gm - g * m - l21 * y1
        y3 = bm - b * m - l31 * y1 - l32 * y2
        a3 = y3 * i3
        a2 = y2 * i2 - l32 * a3
        a1 = y1 * i1 - l21 * a2 - l31 * a3
        return self._box(torch.cat((a1, a2, a3, m - a1 * r - a2 * g - a3 * b), dim=1))

    def _box(self, x: Tensor) -> Tensor:
        """Means over the part of each window that lies inside the map."""
        return functional.avg_pool2d(x, 2 * self.radius + 1, stride=1, padding=self.radius, count_include_pad=False)
