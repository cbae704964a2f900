"""INT8 and FP8 stages: explicit Q/DQ pairs around the convolutions of a strongly typed FP16 stage.

TensorRT 11 has neither calibrators nor an INT8 flag, and ONNX Runtime's quantiser supports neither FP16 graphs nor local
functions, so this module writes the pairs: per channel for weights, per tensor for activations. Everything else stays in FP16: the
FPM scan (the plugin has no INT8, and errors would accumulate along a path), the phrase vector and the channel lookup.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from isfp.engines.record import Precision

OPSET = 19  # the first with FP16 scales and FP8; the parser of TensorRT 10.3 (JetPack 6) reads up to 20
SMALLEST_SCALE = 2.0**-20  # a smaller FP16 scale would be inaccurate itself


@dataclass(frozen=True)
class QuantisedType:
    """A quantised type: its largest value, and its names in ONNX and NumPy."""

    largest: float
    onnx_type: int
    numpy_type: np.dtype


QUANTISED_TYPES = {
    Precision.INT8: QuantisedType(127.0, TensorProto.INT8, np.dtype(np.int8)),
    Precision.FP8: QuantisedType(448.0, TensorProto.FLOAT8E4M3FN, np.dtype(ml_dtypes.float8_e4m3fn)),
}


def candidates(model: onnx.ModelProto, keep: Collection[str] = ()) -> dict[str, str]:
    """Return the convolutions that can be quantised, by name, each with its input value.

    A first layer that reads the frame and a last one with a single output channel are left out: every value matters there, and they
    are fast.

    Args:
        model: a stage in FP16.
        keep: names or operators of nodes that stay in FP16.
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


def quantise(model: onnx.ModelProto, ranges: Mapping[str, float], kind: Precision, chosen: Collection[str]) -> onnx.ModelProto:
    """Put Q/DQ pairs before the inputs and the weights of convolutions.

    Args:
        model: a stage in FP16; it is not changed.
        ranges: for each input value of a chosen convolution, the absolute value of the largest integer.
        kind: "int8" or "fp8" (E4M3).
        chosen: names of the convolutions.

    Returns:
        The quantised stage, checked, opset 19.
    """
    return _rewritten(model, ranges, kind, chosen, "{}")


def twins(model: onnx.ModelProto, ranges: Mapping[str, float], kind: Precision, chosen: Collection[str]) -> onnx.ModelProto:
    """Add a quantised twin of each convolution, with the same inputs and the output `NAME/twin`, to measure its own noise."""
    return _rewritten(model, ranges, kind, chosen, "{}/twin")


def _rewritten(
    model: onnx.ModelProto, ranges: Mapping[str, float], kind: Precision, chosen: Collection[str], named: str
) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if not chosen:
        return copy
    graph = copy.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    added: dict[str, onnx.TensorProto] = {}
    for node in graph.node:
        if node.name not in chosen:
            nodes.append(node)
            continue
        value, weight = node.input[:2]
        if f"{value}/{kind}/scale" not in added:
            nodes += _pair(value, kind)
            added[f"{value}/{kind}/scale"] = numpy_helper.from_array(_scale(ranges[value], QUANTISED_TYPES[kind]))
            added[f"{value}/{kind}/zero"] = _tensor(np.zeros((), QUANTISED_TYPES[kind].numpy_type), kind)
        values, scales = quantised_weights(numpy_helper.to_array(weights[weight]), kind)
        parts = {"values": _tensor(values, kind), "scales": numpy_helper.from_array(scales)}
        parts["zeros"] = _tensor(np.zeros(scales.shape, QUANTISED_TYPES[kind].numpy_type), kind)
        added.update({f"{weight}/{kind}/{part}": tensor for part, tensor in parts.items()})
        inputs = [f"{weight}/{kind}/{part}" for part in parts]
        nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{weight}/{kind}"], name=f"{weight}/{kind}/back", axis=0))
        if named != "{}":
            nodes.append(node)
        quantised = onnx.NodeProto()
        quantised.CopyFrom(node)
        quantised.name, quantised.output[0] = named.format(node.name), named.format(node.output[0])
        quantised.input[0], quantised.input[1] = f"{value}/{kind}/back", f"{weight}/{kind}"
        nodes.append(quantised)
    for name, tensor in added.items():
        tensor.name = name
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *added.values()])
    _raise_opset(copy)
    onnx.checker.check_model(copy, full_check=True)
    return copy


def quantised_weights(weights: NDArray[np.floating], kind: Precision) -> tuple[np.ndarray, np.ndarray]:
    """Quantise a convolution's weights `[O,I,h,w]`, with one scale per output channel.

    Returns:
        The values `[O,I,h,w]` in INT8 or FP8 and the scales `[O]` in FP16.
    """
    target = QUANTISED_TYPES[kind]
    wide = weights.astype(np.float32)
    scales = _scale(np.abs(wide).max(axis=(1, 2, 3)), target)
    steps = np.clip(wide / scales.astype(np.float32)[:, None, None, None], -target.largest, target.largest)
    return (np.rint(steps) if kind == "int8" else steps).astype(target.numpy_type), scales


def _scale(largest: float | np.ndarray, target: QuantisedType) -> np.ndarray:
    return np.maximum(np.asarray(largest, np.float32) / np.float32(target.largest), np.float32(SMALLEST_SCALE)).astype(np.float16)


def _tensor(values: np.ndarray, kind: Precision) -> onnx.TensorProto:
    return helper.make_tensor("", QUANTISED_TYPES[kind].onnx_type, values.shape, values.tobytes(), raw=True)


def _pair(value: str, kind: Precision) -> list[onnx.NodeProto]:
    name = f"{value}/{kind}"
    step = [f"{name}/scale", f"{name}/zero"]
    return [
        helper.make_node("QuantizeLinear", [value, *step], [name], name=f"{name}/quantise"),
        helper.make_node("DequantizeLinear", [name, *step], [f"{name}/back"], name=f"{name}/dequantise"),
    ]


def _reads_a_picture(weight: onnx.TensorProto) -> bool:
    return weight.dims[1] in (3, 4) and weight.dims[2] > 1  # three colours, or these and the coarse mask


def _raise_opset(model: onnx.ModelProto) -> None:
    """Declare opset 19; the operators of the stages have not changed since 18."""
    for imports in (model.opset_import, *(function.opset_import for function in model.functions)):
        for entry in imports:
            if entry.domain == "":
                entry.version = max(entry.version, OPSET)
