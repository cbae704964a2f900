"""INT8 and FP8 stages: explicit Q/DQ around convolutions, on top of a strongly typed FP16 stage.

TensorRT 11 has neither calibrators nor an INT8 flag, and ONNX Runtime's quantiser knows neither FP16 graphs nor local functions,
so the pairs are written here: a dozen lines, per channel on weights, per tensor on activations. All else stays in FP16: the FPM
scan (the plugin has no INT8, and errors would add up along a path), the phrase's vector, the channel lookup.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 19  # the first with FP16 scales and FP8; the parser of TensorRT 10.3 (JetPack 6) reads up to 20
SMALLEST_SCALE = 2.0**-20  # an FP16 scale under this would be a rounding error itself
Kind = Literal["int8", "fp8"]


@dataclass(frozen=True)
class _Grid:
    """Values that a quantised tensor can have: the largest, and the types of its zero point."""

    largest: float
    onnx_type: int
    numpy_type: np.dtype


GRIDS = {
    "int8": _Grid(127.0, TensorProto.INT8, np.dtype(np.int8)),
    "fp8": _Grid(448.0, TensorProto.FLOAT8E4M3FN, np.dtype(ml_dtypes.float8_e4m3fn)),
}


def candidates(model: onnx.ModelProto, keep: Collection[str] = ()) -> dict[str, str]:
    """Return the convolutions that can be quantised, by name, each with the value that it reads.

    A first layer that reads the frame and a last one that gives a single channel are left out: there each value counts, and
    neither costs much.

    Args:
        model: a stage in FP16.
        keep: names or operators of nodes to leave in FP16.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    return {
        node.name: node.input[0]
        for node in model.graph.node
        if node.op_type == "Conv"
        and node.name not in keep
        and node.op_type not in keep
        and node.input[1] in weights
        and weights[node.input[1]].data_type == TensorProto.FLOAT16
        and weights[node.input[1]].dims[0] > 1
        and not _reads_a_picture(weights[node.input[1]])
    }


def quantise(model: onnx.ModelProto, ranges: Mapping[str, float], kind: Kind, keep: Collection[str] = ()) -> onnx.ModelProto:
    """Put Q/DQ pairs before the inputs and the weights of convolutions.

    Args:
        model: a stage in FP16; it is not changed.
        ranges: of each value that a quantised convolution reads, the absolute value that the largest integer stands for.
        kind: "int8" or "fp8" (E4M3).
        keep: names or operators of nodes to leave in FP16.

    Returns:
        The quantised stage, checked, opset 19.

    Raises:
        KeyError: a range is missing.
    """
    grid = GRIDS[kind]
    quantised = onnx.ModelProto()
    quantised.CopyFrom(model)
    chosen = candidates(model, keep)
    if not chosen:
        return quantised
    graph = quantised.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    added: dict[str, onnx.TensorProto] = {}
    pairs: dict[str, str] = {}
    zero = helper.make_tensor(f"{kind}/zero", grid.onnx_type, [], np.zeros(1, grid.numpy_type))
    for node in graph.node:
        if node.name in chosen:
            name, weight = node.input[0], node.input[1]
            if name not in pairs:
                pairs[name] = f"{name}/{kind}/back"
                scale = numpy_helper.from_array(_scale(ranges[name], grid), f"{name}/{kind}/scale")
                added.update({scale.name: scale, zero.name: zero})
                nodes += _pair(name, scale.name, zero.name, kind)
            values, scales = quantised_weights(numpy_helper.to_array(weights[weight]), kind)
            for part, tensor in (
                ("values", helper.make_tensor("", grid.onnx_type, values.shape, values.tobytes(), raw=True)),
                ("scales", numpy_helper.from_array(scales)),
                ("zeros", helper.make_tensor("", grid.onnx_type, scales.shape, np.zeros(scales.shape, grid.numpy_type).tobytes(), raw=True)),
            ):
                tensor.name = f"{weight}/{kind}/{part}"
                added[tensor.name] = tensor
            inputs = [f"{weight}/{kind}/{part}" for part in ("values", "scales", "zeros")]
            nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{weight}/{kind}"], name=f"{weight}/{kind}/back", axis=0))
            node.input[0], node.input[1] = pairs[name], f"{weight}/{kind}"
        nodes.append(node)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *added.values()])
    _raise_opset(quantised)
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


def quantised_weights(weights: NDArray[np.floating], kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Quantise a convolution's weights `[O,I,h,w]`, one scale an output channel.

    Returns:
        The values `[O,I,h,w]` in INT8 or FP8 and the scales `[O]` in FP16.
    """
    grid = GRIDS[kind]
    wide = weights.astype(np.float32)
    scales = _scale(np.abs(wide).max(axis=(1, 2, 3)), grid)
    steps = np.clip(wide / scales.astype(np.float32)[:, None, None, None], -grid.largest, grid.largest)
    return (np.rint(steps) if kind == "int8" else steps).astype(grid.numpy_type), scales


def _scale(largest: float | np.ndarray, grid: _Grid) -> np.ndarray:
    return np.maximum(np.asarray(largest, np.float32) / np.float32(grid.largest), np.float32(SMALLEST_SCALE)).astype(np.float16)


def _pair(name: str, scale: str, zero: str, kind: str) -> list[onnx.NodeProto]:
    there, back = f"{name}/{kind}", f"{name}/{kind}/back"
    return [
        helper.make_node("QuantizeLinear", [name, scale, zero], [there], name=f"{name}/{kind}/quantise"),
        helper.make_node("DequantizeLinear", [there, scale, zero], [back], name=f"{name}/{kind}/dequantise"),
    ]


def _reads_a_picture(weight: onnx.TensorProto) -> bool:
    return weight.dims[1] in (3, 4) and weight.dims[2] > 1  # three colours, or three and the coarse mask


def _raise_opset(model: onnx.ModelProto) -> None:
    """State opset 19, of which the stages use nothing that meant something else in 18."""
    for imports in (model.opset_import, *(function.opset_import for function in model.functions)):
        for entry in imports:
            if entry.domain == "":
                entry.version = max(entry.version, OPSET)
