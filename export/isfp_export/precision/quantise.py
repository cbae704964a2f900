"""INT8 and FP8 stages: explicit Q/DQ pairs around the convolutions of a strongly typed FP16 stage, or of one in FP32 for a CPU.

TensorRT 11 has neither calibrators nor an INT8 flag, and ONNX Runtime's quantiser supports neither FP16 graphs nor local
functions, so this module writes the pairs: per channel for weights, per tensor for activations. Everything else stays as it is: the
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
from isfp_export.onnx.node_names import KEEP_PREFIX

OPSET = 19  # the first with FP16 scales and FP8; the parser of TensorRT 10.3 (JetPack 6) reads up to 20
#: A smaller scale would be inaccurate itself, or none.
SMALLEST_SCALES = {np.dtype(np.float16): 2.0**-20, np.dtype(np.float32): 2.0**-60}
#: Types of a stage's numbers before it is quantised, in ONNX.
WIDE_TYPES = {Precision.FP16: TensorProto.FLOAT16, Precision.FP32: TensorProto.FLOAT}


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

#: For activations that cannot be negative, on a CPU: twice as fine as INT8.
UNSIGNED = QuantisedType(255.0, TensorProto.UINT8, np.dtype(np.uint8))
#: Operators whose results are not negative if none of their inputs are.
_KEEPS_SIGN = frozenset("Add AveragePool Concat GlobalAveragePool Identity MaxPool Mul Reshape Slice Split Transpose".split())


def nonnegative(model: onnx.ModelProto) -> set[str]:
    """Return the values of a stage that cannot be negative, whatever the frame is: what ReLUs give, and what follows of it."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found: set[str] = set()
    for node in model.graph.node:
        bounds = [constants[name] for name in node.input[1:2] if name in constants]
        cut = node.op_type == "Clip" and bool(bounds) and float(bounds[0]) >= 0
        kept = node.op_type in _KEEPS_SIGN and found.issuperset(name for name in node.input if name not in constants)
        signs = all((constants[name] >= 0).all() for name in node.input if name in constants)
        if node.op_type in ("Relu", "Sigmoid") or cut or (kept and (signs or node.op_type not in ("Add", "Mul"))):
            found.update(node.output)
    return found


def candidates(model: onnx.ModelProto, keep: Collection[str] = (), base: Precision = Precision.FP16) -> dict[str, str]:
    """Return the convolutions that can be quantised, by name, each with its input value.

    Args:
        model: a stage.
        keep: names or operators of nodes that are not quantised.
        base: precision of the stage; what is in another one there has a reason, and is not quantised.
    """
    left = left_out(model, keep, base)
    return {node.name: node.input[0] for node in model.graph.node if node.op_type == "Conv" and node.name not in left}


def left_out(model: onnx.ModelProto, keep: Collection[str] = (), base: Precision = Precision.FP16) -> dict[str, str]:
    """Return the convolutions that are not to be quantised, by name, each with the reason; see `candidates`.

    In a first layer that reads the frame and a last one with a single output channel every value matters, and they are fast.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        weight = weights.get(node.input[1])
        if node.name in keep or node.op_type in keep:
            found[node.name] = "requested"
        elif weight is None:
            found[node.name] = "its weights are computed"
        elif node.name.startswith(KEEP_PREFIX):
            found[node.name] = "the guided filter has differences of squares and quotients"
        elif weight.data_type != WIDE_TYPES[base]:
            found[node.name] = f"it is not in {base.upper()} in the stage"
        elif weight.dims[0] == 1:
            found[node.name] = "it gives a single channel, in which every value matters"
        elif _reads_a_picture(weight):
            found[node.name] = "it reads the frame, in which every value matters"
    return found


def quantise(
    model: onnx.ModelProto, ranges: Mapping[str, float], kind: Precision, chosen: Collection[str], unsigned: Collection[str] = ()
) -> onnx.ModelProto:
    """Put Q/DQ pairs before the inputs and the weights of convolutions.

    Args:
        model: a stage in FP16 or FP32; it is not changed.
        ranges: for each input value of a chosen convolution, the absolute value of the largest integer.
        kind: "int8" or "fp8" (E4M3).
        chosen: names of the convolutions.
        unsigned: input values that cannot be negative, which INT8 stores as UINT8.

    Returns:
        The quantised stage, checked, opset 19.
    """
    return _rewritten(model, ranges, kind, chosen, unsigned, "{}")


def twins(
    model: onnx.ModelProto, ranges: Mapping[str, float], kind: Precision, chosen: Collection[str], unsigned: Collection[str] = ()
) -> onnx.ModelProto:
    """Add a quantised twin of each convolution, with the same inputs and the output `NAME/twin`, to measure its own noise."""
    return _rewritten(model, ranges, kind, chosen, unsigned, "{}/twin")


def _rewritten(
    model: onnx.ModelProto,
    ranges: Mapping[str, float],
    kind: Precision,
    chosen: Collection[str],
    unsigned: Collection[str],
    named: str,
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
            target = UNSIGNED if value in unsigned else QUANTISED_TYPES[kind]
            scale = _scale(ranges[value], target, numpy_helper.to_array(weights[weight]).dtype)
            added[f"{value}/{kind}/scale"] = numpy_helper.from_array(scale)
            added[f"{value}/{kind}/zero"] = _tensor(np.zeros((), target.numpy_type), target)
        values, scales = quantised_weights(numpy_helper.to_array(weights[weight]), kind)
        stored = QUANTISED_TYPES[kind]
        parts = {"values": _tensor(values, stored), "scales": numpy_helper.from_array(scales)}
        parts["zeros"] = _tensor(np.zeros(scales.shape, stored.numpy_type), stored)
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
        The values `[O,I,h,w]` in INT8 or FP8 and the scales `[O]` in the type that the weights had.
    """
    target = QUANTISED_TYPES[kind]
    wide = weights.astype(np.float32)
    scales = _scale(np.abs(wide).max(axis=(1, 2, 3)), target, weights.dtype)
    steps = np.clip(wide / scales.astype(np.float32)[:, None, None, None], -target.largest, target.largest)
    return (np.rint(steps) if kind == "int8" else steps).astype(target.numpy_type), scales


def _scale(largest: float | np.ndarray, target: QuantisedType, kind: np.dtype) -> np.ndarray:
    return np.maximum(np.asarray(largest, np.float32) / np.float32(target.largest), np.float32(SMALLEST_SCALES[kind])).astype(kind)


def _tensor(values: np.ndarray, kind: QuantisedType) -> onnx.TensorProto:
    return helper.make_tensor("", kind.onnx_type, values.shape, values.tobytes(), raw=True)


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
