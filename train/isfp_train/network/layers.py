"""The convolution block that the whole network uses, and the coordinate channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


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

    def of_both(self, shared: Tensor, own: Tensor) -> Tensor:
        """Return the block of two inputs' concatenated channels, without convolving those that all rows share for each of them.

        `[N or 1,A,H,W]`, `[N,B,H,W]` -> `[N,outputs,…]`, for a block of A + B inputs.
        """
        kernel, bias, options = self._kernel()
        return self._normed(convolve_both(shared, own, kernel, bias, *options))

    def of_doubled(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return the block of a map of twice the size and another one's concatenated channels, for a 1×1 convolution.

        It commutes with bilinear resizing, so the coarse map is convolved first: a quarter of the places, and fewer channels to
        resize. `[N,A,H,W]`, `[N,B,2H,2W]` -> `[N,outputs,2H,2W]`, for a block of A + B inputs.
        """
        kernel, bias, _ = self._kernel()
        first, rest = kernel.split((coarse.shape[1], fine.shape[1]), dim=1)
        doubled = functional.interpolate(functional.conv2d(coarse, first), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self._normed(functional.conv2d(fine, rest, bias) + doubled)

    def _kernel(self) -> tuple[Tensor, Tensor | None, tuple[Any, ...]]:
        """Kernel, bias, and stride, padding and dilation. When it is not trained, the batch norm is folded into the first two: an
        exporter folds it only into the one convolution before it. It may have been folded into the convolution for good.
        """
        convolution, norm, _ = self
        assert isinstance(convolution, nn.Conv2d)
        kernel, bias = convolution.weight, convolution.bias
        if isinstance(norm, nn.BatchNorm2d) and not self.training:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            kernel, bias = kernel * scale[:, None, None, None], norm.bias - norm.running_mean * scale
        return kernel, bias, (convolution.stride, convolution.padding, convolution.dilation)

    def _normed(self, x: Tensor) -> Tensor:
        """Batch norm where `_kernel` does not hold it, and activation."""
        _, norm, activation = self
        return activation(norm(x) if self.training else x)


def convolve_both(shared: Tensor, own: Tensor, kernel: Tensor, bias: Tensor | None, *options: Any) -> Tensor:
    """Convolve two inputs' concatenated channels, as a sum over the parts: one that all rows share is convolved once, not per row.

    `[N or 1,A,H,W]`, `[N,B,H,W]`, a kernel `[outputs,A+B,…]`; then a bias, and stride, padding and dilation -> `[N,outputs,…]`.
    """
    first, rest = kernel.split((shared.shape[1], own.shape[1]), dim=1)
    # In this order: OpenVINO adds the second summand into the memory of the first, which must have all rows.
    return functional.conv2d(own, rest, None, *options) + functional.conv2d(shared, first, bias, *options)


def with_coordinates(features: Tensor) -> Tensor:
    """Append x and y in -1 … 1 as two channels: `[N,C,H,W]` -> `[N,C+2,H,W]` (CoordConv)."""
    count, _, height, width = features.shape
    x = torch.linspace(-1.0, 1.0, width, device=features.device, dtype=features.dtype)
    y = torch.linspace(-1.0, 1.0, height, device=features.device, dtype=features.dtype)
    grid = torch.stack((x.expand(height, width), y[:, None].expand(height, width)))
    return torch.cat((features, grid.expand(count, -1, -1, -1)), dim=1)
