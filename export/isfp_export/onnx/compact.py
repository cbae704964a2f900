"""Weights stored in half precision, where FP16 holds them exactly or a kernel is very large: a smaller file."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Kernels from this size on are rounded: the backbone's last ones, a fifth of its bytes. Their maps move by under a thousandth.
ROUNDED_ELEMENTS = 200_000
#: Smaller tensors are left alone: they add up to little.
LEAST_ELEMENTS = 1024
SUFFIX = "_half"


def store_in_half(model: onnx.ModelProto) -> None:
    """Store each weight that FP16 holds exactly as FP16, with a cast back to float32 where it is used; in place.

    Weights that were published or shipped in FP16 are such; those that a batch norm was folded into are not, and of those only the
    largest convolutions' kernels are rounded. Runtimes fold the casts away when they load the model.
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
    """Undo the storage: float32 weights without casts, for what reads or changes them. Returns the model, changed in place."""
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
