"""The Segmentation Branch (paper III-B): a coarse mask for every grid cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from isfp_train.network.conditional_masks import ConditionalMasks
from isfp_train.network.fusion import fuse
from isfp_train.network.layers import ConvBlock, with_coordinates


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling (DeepLab v3): a 1×1, several dilated 3×3s and the global average, concatenated."""

    def __init__(self, inputs: int, channels: int, rates: tuple[int, ...], outputs: int, slope: float) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [ConvBlock(inputs, channels, 1, slope=slope)]
            + [ConvBlock(inputs, channels, 3, dilation=rate, slope=slope) for rate in rates]
        )
        self.pooled = ConvBlock(inputs, channels, 1, slope=slope)
        self.join = ConvBlock(channels * (len(rates) + 2), outputs, 1, slope=slope)

    def forward(self, x: Tensor) -> Tensor:
        """`[P,C,H,W]` -> `[P,D,H,W]`."""
        parts = [branch(x) for branch in self.branches]
        parts.append(self.pooled(x.mean(dim=(2, 3), keepdim=True)).expand_as(parts[0]))
        return self.join(torch.cat(parts, dim=1))


class SegmentationBranch(nn.Module):
    """Four 3×3 convolutions, ASPP and a 1×1 convolution to S² channels; channel c = i·S + j belongs to cell (i, j).

    A channel is a dot product with one row of the last layer, so the channel lookup can come before it: computing only the
    requested channels gives the same masks as computing all of them and discarding the rest.

    A sample only trains the rows of its nine positive cells. So a row is the sum of its own weights and a part that varies smoothly
    over the grid (low cosine frequencies, ours), which every sample trains. The sum is the 1×1 convolution of the paper, and it is
    what is exported.

    With `dynamic` (ours; prior work: CondInst, SOLOv2), a row also gets a part that is computed from the features at its cell, so
    that a mask can depend on what its object looks like and not only on where it is. It has no effect at the start of training.

    With `conditional` (prior work: CondInst), a small network per cell adds to its mask; see `ConditionalMasks`, also for `boxes`
    and `pixels`.

    With `tower` (prior work: FCOS, CondInst), what cells compute from is made by so many more convolutions, at half the features'
    size. They are the first that see both a neighbourhood and the phrase, so they can tell an object from others beside it.

    With `detail` D (ours), each place of the last layer gives D×D points of the mask, for objects that cover few places.

    With `language` (ours), the phrase enters after the branch's convolutions, which then run once per frame and learn from all of
    its phrases; see `speak`.
    """

    cosines: Tensor

    def __init__(
        self,
        inputs: int,
        channels: int,
        aspp_channels: int,
        aspp_rates: tuple[int, ...],
        *,
        masks: int,
        coordinates: bool,
        slope: float,
        language: int | None = None,
        dynamic: bool = False,
        detail: int = 1,
        conditional: int = 0,
        boxes: bool = False,
        pixels: int = 0,
        tower: int = 0,
    ) -> None:
        super().__init__()
        self.coordinates, self.detail = coordinates, detail
        self.grid = round(masks**0.5)
        self.dynamic = None
        if dynamic:
            last = nn.Linear(channels, detail**2 * (channels + 1))
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.dynamic = nn.Sequential(nn.Linear(channels, channels), nn.LeakyReLU(slope), last)
        self.conditional = ConditionalMasks(channels, conditional, detail, self.grid, slope, boxes, pixels) if conditional else None
        self.tower = None
        if tower:
            blocks = [ConvBlock(channels, channels, 3, 1 if place else 2, slope=slope) for place in range(tower)]
            _, norm, _ = blocks[-1]
            assert isinstance(norm, nn.BatchNorm2d)
            nn.init.zeros_(norm.weight)  # so that it has no effect at the start
            self.tower = nn.Sequential(*blocks)
        if language is not None:
            self.language = nn.Linear(language, channels)
            self.join = ConvBlock(2 * channels, channels, 1, slope=slope)
        widths = [inputs + 2 * coordinates, channels, channels, channels]
        self.body = nn.Sequential(*(ConvBlock(width, channels, 3, slope=slope) for width in widths))
        self.aspp = ASPP(channels, aspp_channels, aspp_rates, channels, slope)
        self.last = nn.Conv2d(channels, masks * detail**2, 1)
        self.register_buffer("cosines", _cosines(masks), persistent=False)
        self.smooth = nn.Parameter(torch.zeros(self.cosines.shape[1], detail**2 * (channels + 1)))

    def rows(self) -> Tensor:
        """Weights and biases of the last layer for each cell, `[S²,D²·(C+1)]`: C weights and a bias for each of its D×D points."""
        assert self.last.bias is not None
        own = torch.cat((self.last.weight.flatten(1), self.last.bias[:, None]), dim=1)
        return own.reshape(len(self.cosines), -1) + self.cosines @ self.smooth

    def features(self, fused: Tensor) -> Tensor:
        """F_seg `[P,D,h,w]` -> input of the last layer `[P,C,h,w]`."""
        return self.aspp(self.body(with_coordinates(fused) if self.coordinates else fused))

    def speak(self, features: Tensor, phrases: Tensor) -> Tensor:
        """Fuse the input of the last layer with the phrases (Eq. 1 again, concatenated with the features themselves).

        `[P or 1,C,h,w]`, `[P,F]` -> `[P,C,h,w]`.
        """
        return self.join.of_both(features, fuse(features, self.language(phrases)))

    def of_frame(self, frame: Tensor) -> Tensor | None:
        """What `lookup` reads of a frame alone: RGB uint8 `[N,H,W,3]` -> `[N,A,D·H/8,D·W/8]`; None without `pixels`."""
        return None if self.conditional is None else self.conditional.of_frame(frame)

    def lookup(self, features: Tensor, cells: Tensor, pixels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Compute only the channels of `cells`.

        Args:
            features: `[P,C,h,w]`.
            cells: `[P,K]`.
            pixels: what `of_frame` gave `[P or 1,A,D·h,D·w]`.

        Returns:
            Coarse masks `[P,K,D·h,D·w]`, logits, and the cells' boxes `[P,K,4]` as `CellBoxes` gives them; None without `boxes`.
        """
        rows = functional.embedding(cells, self.rows())
        seen = None if self.dynamic is None and self.conditional is None else self._at(features, cells)
        if self.dynamic is not None:
            rows = rows + self.dynamic(seen)
        (phrases, masks), (channels, height, width), detail = cells.shape, features.shape[1:], self.detail
        points = rows.reshape(phrases, masks * detail**2, channels + 1)
        found = points[..., :-1] @ features.flatten(2) + points[..., -1:]
        if detail == 1:
            found = found.unflatten(2, (height, width))
        else:
            found = found.reshape(phrases, masks, detail, detail, height, width).permute(0, 1, 4, 2, 5, 3)
            found = found.reshape(phrases, masks, height * detail, width * detail)
        if self.conditional is None or seen is None:
            return found, None
        added, boxes = self.conditional(features, seen, cells, pixels)
        return found + added, boxes

    def _at(self, features: Tensor, cells: Tensor) -> Tensor:
        """Features at the cells: `[P,C,h,w]`, `[P,K]` -> `[P,K,C]`."""
        size = (self.grid, self.grid)
        places = functional.interpolate(features, size=size, mode="bilinear", align_corners=False)
        if self.tower is not None:
            places = places + functional.interpolate(self.tower(features), size=size, mode="bilinear", align_corners=False)
        places = places.flatten(2).transpose(1, 2)
        return places.gather(1, cells.unsqueeze(2).expand(-1, -1, places.shape[2]))

    def forward(self, fused: Tensor, pixels: Tensor | None = None) -> Tensor:
        """F_seg `[P,D,h,w]`, what `of_frame` gave -> coarse masks of all cells `[P,S²,…]`, logits."""
        cells = torch.arange(len(self.cosines), device=fused.device).expand(len(fused), -1)
        return self.lookup(self.features(fused), cells, pixels)[0]


def _cosines(masks: int, frequencies: int = 4) -> Tensor:
    """Cosines of low frequency over the grid `[S²,F²]`, with cell c = i·S + j in row c; a single one for a single mask."""
    size = round(masks**0.5)
    place = (torch.arange(size) + 0.5) / size
    waves = torch.cos(torch.pi * place[:, None] * torch.arange(min(frequencies, size)))  # [S,F]
    return torch.einsum("if,jg->ijfg", waves, waves).reshape(size * size, -1)
