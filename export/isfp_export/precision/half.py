"""Convert FP32 stages to strongly typed FP16 stages, from ONNX to ONNX, so that a device without PyTorch can convert its bundle.

The file gives the precision of every node, because TensorRT 11 has no other way to request it. Inputs and outputs that the host
makes or reads stay float32 (docs/architecture.md); those that only go from stage to stage become FP16.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from isfp_export.onnx.node_names import KEEP_PREFIX

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
LARGEST = float(np.finfo(np.float16).max)  # 65,504

# Operators that stay in FP32, where they cost little; in FP16 they would lose the most accuracy, or overflow.
KEEP = {
    "GRU": "its error grows with every word, and it runs once per phrase",
    "Softmax": "it sums exponentials",
    "Sigmoid": "FP16 has few values for probabilities near 0 or 1",
    "ReduceMean": "it sums a whole map",
    "Sub": "it normalises the frame's values of 0 to 255",
    "Div": "it normalises the frame's values of 0 to 255",
    "Cast": "its output is cast to FP16",
    "Constant": "its output is cast to FP16",
    "ConstantOfShape": "its output is cast to FP16",
}
# Operators that compute nothing. Between FP32 nodes they stay in FP32, so that no value is cast back and forth.
MOVES = frozenset("Concat Expand Gather GatherElements Identity Reshape Slice Split Squeeze Tile Transpose Unsqueeze".split())
# Inputs that must be float32 in the ONNX standard, whatever the node's type is.
_ALWAYS_FLOAT = {"Resize": (1, 2)}


@dataclass
class NodePrecisions:
    """The precision of each node.

    Attributes:
        half: names of nodes in FP16.
        kept: names of nodes that stay in FP32, each with the reason.
    """

    half: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def to_half(
    model: onnx.ModelProto, keep: Collection[str] = (), between: Collection[str] = ()
) -> tuple[onnx.ModelProto, NodePrecisions]:
    """Convert a stage to FP16.

    Args:
        model: a stage in FP32; it is not changed.
        keep: names or operators of nodes that stay in FP32, in addition to `KEEP`.
        between: inputs and outputs that become FP16; others of the graph's stay float32.

    Returns:
        The converted stage, which is checked, and the precision of each node. Values keep their names.

    Raises:
        ValueError: a value's type cannot be inferred.
    """
    types = value_types(onnx.shape_inference.infer_shapes(model, data_prop=True))
    converted = onnx.ModelProto()
    converted.CopyFrom(model)
    choice = decide(converted.graph, types, keep)
    conversion = _Conversion(converted.graph, types, between)
    for node in list(converted.graph.node):
        if node.name in choice.kept:
            conversion.add(node, FLOAT)
        elif _floats(node, types) or any(types.get(name) == FLOAT for name in node.output):
            conversion.add(node, HALF)
        else:
            conversion.nodes.append(node)
    conversion.finish()
    onnx.checker.check_model(converted, full_check=True)
    return converted, choice


def decide(graph: onnx.GraphProto, types: dict[str, int], keep: Collection[str] = ()) -> NodePrecisions:
    """Decide which nodes compute in FP16 and which stay in FP32, with reasons."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [node for node in graph.node if _floats(node, types) or any(types.get(name) == FLOAT for name in node.output)]
    kept = {node.name: reason for node in nodes if (reason := _reason(node, types, weights, keep))}
    made = {name: node.name for node in graph.node for name in node.output}
    for node in nodes:
        if node.op_type in MOVES and all(made.get(name) in kept for name in _floats(node, types)):
            kept.setdefault(node.name, "it only moves outputs of FP32 nodes")
    readers: dict[str, list[str]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.name)
    borders = {value.name for value in graph.output}
    for node in reversed(nodes):
        read = [reader for name in node.output for reader in readers.get(name, ())]
        if node.op_type in MOVES and read and not borders & set(node.output) and all(reader in kept for reader in read):
            kept.setdefault(node.name, "it only moves inputs of FP32 nodes")
    half = [node.name for node in nodes if node.name not in kept]
    return NodePrecisions(half, {node.name: kept[node.name] for node in nodes if node.name in kept})


def value_types(model: onnx.ModelProto) -> dict[str, int]:
    """Return the element type of every value of an inferred graph, by name."""
    graph = model.graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        types[value.name] = value.type.tensor_type.elem_type
    for node in graph.node:
        for name in node.output:
            if name and not types.get(name):
                raise ValueError(
                    f"The type of {name!r}, made by {node.op_type} {node.name!r}, cannot be inferred. Export the bundle again."
                )
    return types


def _floats(node: onnx.NodeProto, types: dict[str, int]) -> list[str]:
    """Names of the float32 inputs that follow the node's precision."""
    fixed = _ALWAYS_FLOAT.get(node.op_type, ())
    return [name for place, name in enumerate(node.input) if types.get(name) == FLOAT and place not in fixed]


def _reason(node: onnx.NodeProto, types: dict[str, int], weights: dict[str, onnx.TensorProto], keep: Collection[str]) -> str | None:
    if node.name in keep or node.op_type in keep:
        return "requested"
    if node.name.startswith(KEEP_PREFIX):
        return "the guided filter has differences of squares and quotients"
    for name in _floats(node, types):
        if name in weights:
            largest = float(np.abs(numpy_helper.to_array(weights[name])).max(initial=0))
            if largest > LARGEST:
                return f"its constant {name!r} is as large as {largest:g}, above FP16's {LARGEST:g}"
    return KEEP.get(node.op_type)


class _Conversion:
    """Rewrites a graph node by node. Each value has one type, and at most one cast to the other."""

    def __init__(self, graph: onnx.GraphProto, types: dict[str, int], between: Collection[str]) -> None:
        self.graph, self.types = graph, types  # types before the conversion
        self.now = dict(types)
        self.halves = {v.name for v in (*graph.input, *graph.output) if v.name in between and types[v.name] == FLOAT}
        self.now.update(dict.fromkeys(self.halves, HALF))
        for value in (*graph.input, *graph.output):
            if value.name in self.halves:
                value.type.tensor_type.elem_type = HALF
        self.nodes: list[onnx.NodeProto] = []
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.borders = {value.name for value in graph.output}
        self.others: dict[tuple[str, int], str] = {}
        self.halved: list[onnx.TensorProto] = []

    def add(self, node: onnx.NodeProto, wanted: int) -> None:
        fixed = _ALWAYS_FLOAT.get(node.op_type, ())
        for place, name in enumerate(node.input):
            if self.types.get(name) == FLOAT and place not in fixed:
                node.input[place] = self._as(name, wanted)
        self.nodes.append(node)
        for place, name in enumerate(node.output):
            if self.types.get(name) != FLOAT:
                continue
            if name not in self.borders:
                self.now[name] = wanted
                continue
            given = self.now[name]
            if given != wanted:
                other = node.output[place] = self.others[name, wanted] = f"{name}/{'half' if wanted == HALF else 'float'}"
                self.nodes.append(helper.make_node("Cast", [other], [name], name=f"{name}/cast", to=given))

    def finish(self) -> None:
        used = {name for node in self.nodes for name in node.input}
        kept = [tensor for tensor in self.graph.initializer if tensor.name in used]
        nodes = list(self.nodes)
        del self.graph.node[:], self.graph.initializer[:], self.graph.value_info[:]
        self.graph.node.extend(nodes)
        self.graph.initializer.extend([*kept, *self.halved])

    def _as(self, name: str, wanted: int) -> str:
        if self.now[name] == wanted:
            return name
        if (name, wanted) not in self.others:
            other = self.others[name, wanted] = f"{name}/{'half' if wanted == HALF else 'float'}"
            if name in self.weights:
                self.halved.append(numpy_helper.from_array(numpy_helper.to_array(self.weights[name]).astype(np.float16), other))
            else:
                self.nodes.append(helper.make_node("Cast", [name], [other], name=f"{other}/cast", to=wanted))
        return self.others[name, wanted]
