"""Normalisation of the frame, folded into the convolutions that read it.

A backbone divides pixels by a deviation, and a detector beside it undoes that, turns the channels round and normalises in its own
way: a dozen passes over the whole frame, each as long as a small convolution. Scales and the order of channels go into the kernels,
so one subtraction remains for each convolution. It has to: a convolution pads the normalised frame with zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

from isfp_export.onnx.graph_edits import add_constant, attribute, remove_unread


def fold_normalisation(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace sums, products and reversals by channel before a convolution with one subtraction and another kernel.

    Results differ by rounding alone: factors are multiplied in float64. Changes the model in place and returns it.
    """
    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        kernel = constants.get(node.input[1]) if node.op_type == "Conv" else None
        if kernel is not None and attribute(node, "group", 1) == 1:
            nodes.extend(_folded(node, numpy_helper.to_array(kernel), made, constants, graph))
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    remove_unread(graph)
    return model


def _folded(
    node: onnx.NodeProto,
    kernel: np.ndarray,
    made: dict[str, onnx.NodeProto],
    constants: dict[str, onnx.TensorProto],
    graph: onnx.GraphProto,
) -> Iterator[onnx.NodeProto]:
    """Let the convolution read what the chain before it begins with; yields the subtraction, if one is needed."""
    channels = kernel.shape[1]
    scale, shift, order = np.ones(channels), np.zeros(channels), np.arange(channels)
    source, steps = node.input[0], 0
    while source in made:  # what the convolution reads is scale * source[order] + shift
        before = made[source]
        if before.op_type in ("Add", "Sub", "Mul", "Div"):
            values = _by_channel(constants.get(before.input[1]), channels)
            if values is None:
                break
            values = values[order]
            if before.op_type in ("Add", "Sub"):
                shift += scale * values * (1 if before.op_type == "Add" else -1)
            else:
                scale = scale * values if before.op_type == "Mul" else scale / values
        elif _reverses_channels(before, constants):
            order = channels - 1 - order
        else:
            break
        source, steps = before.input[0], steps + 1
    padded = any(attribute(node, "pads", [])) or attribute(node, "auto_pad", b"NOTSET") != b"NOTSET"
    centred = padded and bool(shift.any())
    if steps <= centred or not (np.isfinite(scale) & (scale != 0)).all():
        return
    name = node.output[0]
    scaled = np.empty(kernel.shape)
    scaled[:, order] = kernel.astype(np.float64) * scale[:, None, None]
    if centred:
        centre = np.empty(channels)
        centre[order] = -shift / scale
        subtracted = add_constant(graph, f"{name}/centre", centre[:, None, None])
        yield helper.make_node("Sub", [source, subtracted], [f"{name}/centred"], name=f"{name}/centred")
        source = f"{name}/centred"
    elif shift.any():
        bias = numpy_helper.to_array(constants[node.input[2]]) if len(node.input) > 2 else np.zeros(len(kernel))
        bias = bias + np.einsum("oihw,i->o", kernel.astype(np.float64), shift)
        node.input[2:] = [add_constant(graph, f"{name}/bias", bias)]
    node.input[0], node.input[1] = source, add_constant(graph, f"{name}/kernel", scaled)


def _by_channel(tensor: onnx.TensorProto | None, channels: int) -> np.ndarray | None:
    """A constant as one float64 for each channel of `[N,C,H,W]`, or None if it is none or varies within a channel."""
    if tensor is None:
        return None
    values = numpy_helper.to_array(tensor).astype(np.float64)
    if values.size == 1:
        return np.full(channels, values.item())
    return values.reshape(channels) if values.shape[-3:] == (channels, 1, 1) and values.size == channels else None


def _reverses_channels(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    if node.op_type != "Slice" or len(node.input) != 5 or not all(name in constants for name in node.input[1:]):
        return False
    start, end, axis, step = (numpy_helper.to_array(constants[name]).tolist() for name in node.input[1:])
    return (start, axis, step) == ([-1], [1], [-1]) and end[0] <= np.iinfo(np.int32).min
