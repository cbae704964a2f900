"""The network's four stages with the names, types and shapes of the bundle's contract (docs/architecture.md)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from isfp.bundle.manifest import CANDIDATES_AXIS, PHRASES_AXIS
from isfp_train.network import ISFP

# Frames are cast to float first: TensorRT allows no other operator on uint8.
VISUAL = ("visual_large", "visual_medium", "visual_small")


def _rgb(frame: Tensor) -> Tensor:
    """BGR `[1,H,W,3]` -> RGB float `[1,H,W,3]`, turned plane by plane: the network's own transpose cancels the second one here, and
    planes are turned ten times as fast as pixels.
    """
    return frame.float().permute(0, 3, 1, 2).flip(1).permute(0, 2, 3, 1)


class ImageStage(nn.Module):
    """`frame` -> `visual_large`, `visual_medium`, `visual_small`."""

    def __init__(self, network: ISFP) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """BGR uint8 `[1,H,W,3]` -> `[1,C,H/8,W/8]`, `[1,C,H/16,W/16]`, `[1,C,H/32,W/32]`."""
        return self.network.image(_rgb(frame))


class TextStage(nn.Module):
    """`words`, `lengths` -> `phrases`."""

    def __init__(self, network: ISFP) -> None:
        super().__init__()
        self.network = network

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """int32 `[P,L]`, int32 `[P]` -> `[P,C]`."""
        return self.network.text(words.long(), lengths.long())


class IdentifyStage(nn.Module):
    """`visual_*`, `phrases` -> `identifying`."""

    def __init__(self, network: ISFP) -> None:
        super().__init__()
        self.network = network

    def forward(self, large: Tensor, medium: Tensor, small: Tensor, phrases: Tensor) -> Tensor:
        """Visual maps `[1,C,…]`, `[P,C]` -> probabilities `[P,S,S]`."""
        return torch.sigmoid(self.network.identify((large, medium, small), phrases))


class MaskStage(nn.Module):
    """`frame`, `visual_*`, `phrases`, `cells` -> `masks`."""

    def __init__(self, network: ISFP) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor, large: Tensor, medium: Tensor, small: Tensor, phrases: Tensor, cells: Tensor) -> Tensor:
        """BGR uint8 `[1,H,W,3]`, visual maps `[1,C,…]`, `[P,C]`, int32 `[P,K]` -> logits `[P,K,H,W]`."""
        return self.network.mask(_rgb(frame), (large, medium, small), phrases, cells.long())


@dataclass(frozen=True)
class ExportStage:
    """One stage, ready for export.

    Attributes:
        name: name of the stage in the bundle.
        module: takes the inputs in this order.
        inputs: example inputs by name, which determine types and static axes.
        outputs: names of the outputs.
        dynamic: names of the dynamic axes of each input and output.
    """

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    dynamic: dict[str, dict[int, str]]


def stages(network: ISFP, seed: int = 0) -> list[ExportStage]:
    """The four stages, with example inputs of 2 phrases and 3 cells computed by the network.

    Raises:
        ValueError: the network has no Identification Branch (Table I's baseline is for comparison, not for a bundle).
    """
    config = network.config
    if config.identification == "none":
        raise ValueError(
            "This network has no Identification Branch (identification: none), so it chooses no cell. Export a network with "
            "identification: fpm or convolution; the baseline can be evaluated from its checkpoint."
        )
    generator = torch.Generator().manual_seed(seed)
    size, phrases, masks = config.image_size, 2, 3
    frame = torch.randint(0, 256, (1, size, size, 3), dtype=torch.uint8, generator=generator)
    vocabulary = len(network.encoder.words.vectors)
    words = torch.randint(1, vocabulary, (phrases, config.max_words), dtype=torch.int32, generator=generator)
    lengths = torch.tensor([3, config.max_words], dtype=torch.int32)
    cells = torch.randint(0, config.grid**2, (phrases, masks), dtype=torch.int32, generator=generator)
    image, text = ImageStage(network), TextStage(network)
    with torch.inference_mode():
        visual = {name: value.clone() for name, value in zip(VISUAL, image(frame), strict=True)}
        vectors = text(words, lengths).clone()
    p, pk = {0: PHRASES_AXIS}, {0: PHRASES_AXIS, 1: CANDIDATES_AXIS}
    return [
        ExportStage("image", image, {"frame": frame}, VISUAL, {}),
        ExportStage("text", text, {"words": words, "lengths": lengths}, ("phrases",), {"words": p, "lengths": p, "phrases": p}),
        ExportStage(
            "identify",
            IdentifyStage(network),
            {**visual, "phrases": vectors},
            ("identifying",),
            {"phrases": p, "identifying": p},
        ),
        ExportStage(
            "mask",
            MaskStage(network),
            {"frame": frame, **visual, "phrases": vectors, "cells": cells},
            ("masks",),
            {"phrases": p, "cells": pk, "masks": pk},
        ),
    ]
