"""What passes over a graph share: reading an attribute, adding a constant, removing what nothing reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return a node's attribute, or `default` where the node has none of this name."""
    return next((helper.get_attribute_value(entry) for entry in node.attribute if entry.name == name), default)


def add_constant(graph: onnx.GraphProto, name: str, values: np.ndarray) -> str:
    """Add a float32 constant, and return its name."""
    graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    return name


def remove_unread(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants that nothing reads."""
    read = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if read.intersection(node.output):
            read.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    tensors = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
