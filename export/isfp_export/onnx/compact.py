"""Smaller files: weights are stored in FP16 if that is exact, or if a kernel is very large."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Kernels with at least this many values are rounded: the last ones of the backbone, a fifth of its bytes. Its maps change by
#: about a thousandth.
ROUNDED_ELEMENTS = 200_000
#: Smaller tensors are not changed: they have little effect on the size.
LEAST_ELEMENTS = 1024
SUFFIX = "_half"


def store_in_half(model: onnx.ModelProto) -> None:
    """Store weights that FP16 can represent exactly as FP16, with a cast back to float32; the model is changed in place.

    Weights that were published or shipped in FP16 can be represented exactly. Those with a folded batch norm cannot, and only the
    kernels of the largest convolutions among them are rounded. Runtimes remove the casts when they load the model.
    """
    kernels = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST_ELEMENTS:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        rounds = tensor.name in kernels and values.size >= ROUNDED_ELEMENTS
        if not rounds and not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, name + SUFFIX))
        casts.append(helper.make_node("Cast", [name + SUFFIX], [name], name=f"{name}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def restore(model: onnx.ModelProto) -> onnx.ModelProto:
    """Undo `store_in_half` in place, for code that reads or changes weights: float32 weights without casts. Returns the model."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name.endswith(SUFFIX)}
    kept = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in tensors:
            tensor = tensors[node.input[0]]
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), node.output[0]))
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model
