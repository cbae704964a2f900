"""The stage `find`: image, identify, the lookup and mask as one graph, so that a frame with known phrases is one launch (ours).

It is made when an engine is built, from the stages in the engine's precision, so that bundles hold every weight once. Values
that go from stage to stage stay inside, in the type that the stages give them.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import compose, helper

from isfp_export.onnx.lookup import lookup_model

#: The stages whose nodes it holds, in order; the lookup comes before the last.
PARTS = ("image", "identify", "mask")
_INPUTS, _OUTPUTS = ("frame", "phrases"), ("visual_large", "visual_medium", "visual_small", "identifying", "cells", "masks")


def one_graph(stages: Mapping[str, onnx.ModelProto], grid: int) -> onnx.ModelProto:
    """Join the stages of one precision.

    Args:
        stages: `image`, `identify` and `mask` by name, as ONNX; they are not changed.
        grid: S, rows and columns of the identifying map.

    Returns:
        A checked graph: `frame` uint8 `[1,H,W,3]`, `phrases` float32 `[P,C]` -> `visual_*` `[1,C,h,w]` in the stages' type,
        `identifying` float32 `[P,S,S]`, `cells` int32 `[P,1]`, `masks` float32 `[P,1,H,W]`. Its nodes are named `STAGE/NODE`.
    """
    image, identify, mask = (_named(name, stages[name]) for name in PARTS)
    parts = [image, identify, _named("lookup", lookup_model(grid)), mask]
    inputs = {value.name: value for part in parts for value in part.graph.input}
    outputs = {value.name: value for part in parts for value in part.graph.output}
    outputs["masks"].type.tensor_type.shape.dim[1].dim_value = 1
    graph = helper.make_graph(
        [node for part in parts for node in part.graph.node],
        "find",
        [inputs[name] for name in _INPUTS],
        [outputs[name] for name in _OUTPUTS],
        [tensor for part in parts for tensor in part.graph.initializer],
    )
    opsets = {entry.domain: 0 for part in parts for entry in part.opset_import}
    for part in parts:
        for entry in part.opset_import:
            opsets[entry.domain] = max(opsets[entry.domain], entry.version)
    joined = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(*entry) for entry in opsets.items()],
        functions=[function for part in parts for function in part.functions],
        ir_version=max(part.ir_version for part in parts),
    )
    onnx.checker.check_model(joined, full_check=True)
    return joined


def part_name(stage: str, node: str) -> str:
    """Return the name in the joined graph of a stage's node."""
    return f"{stage}/{node}"


def _named(stage: str, model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose nodes, weights and inner values begin with the stage's name; those at its borders keep theirs."""
    return compose.add_prefix(model, part_name(stage, ""), rename_inputs=False, rename_outputs=False, rename_functions=False)
