"""The Feature Propagation Module (paper III-C), and the convolution that replaces it in Table I."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isfp_train.network.fpm_scan import fpm_scan
from isfp_train.network.layers import ConvBlock

START_GAIN = 0.6  # ours: spectral norm of every W2 at the start; with tanh and α = 0.5, signals cross the grid but decay


class FeaturePropagation(nn.Module):
    """ISFs to the identifying map: the scan over four bidirectional paths, then a 1×1 convolution (Eq. 2 and 3).

    Every path and direction has its own weights. The activation is tanh, as in recurrent networks, to which the paper compares the
    propagation. Hidden states stay in -1 … 1 whatever α and W2 are, so FP16 cannot overflow, and signals can travel along a row at
    a gain near one; a scan that is kept stable by small weights cannot do that.
    """

    def __init__(self, channels: int, alpha: float, activation: str, slope: float) -> None:
        super().__init__()
        self.alpha, self.activation, self.slope = alpha, activation, slope
        self.w1 = nn.Parameter(torch.empty(4, channels, channels))
        self.w2 = nn.Parameter(torch.empty(4, 2, channels, channels))
        for weight in self.w1.data:
            nn.init.orthogonal_(weight)
        for weight in self.w2.data.flatten(0, 1):
            nn.init.orthogonal_(weight, START_GAIN)
        self.last = nn.Conv2d(channels, 1, 1)

    def propagate(self, isf: Tensor) -> Tensor:
        """ISFs `[P,C,S,S]` -> ISFs with information from all cells `[P,C,S,S]`."""
        spread = fpm_scan(isf.permute(0, 2, 3, 1), self.w1, self.w2, self.alpha, self.activation, self.slope)
        return spread.permute(0, 3, 1, 2)

    def forward(self, isf: Tensor) -> Tensor:
        """ISFs F_ins `[P,C,S,S]` -> identifying map `[P,S,S]`, logits."""
        return self.last(self.propagate(isf)).squeeze(1)


class ConvolutionHead(nn.Module):
    """Table I, "Baseline+IEM": a 3×3 convolution instead of the FPM, then the 1×1 convolution."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.body = ConvBlock(channels, channels, 3, slope=slope)
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, isf: Tensor) -> Tensor:
        """ISFs F_ins `[P,C,S,S]` -> identifying map `[P,S,S]`, logits."""
        return self.last(self.body(isf)).squeeze(1)
