"""Run a stage in ONNX Runtime with any of its values as an output, and with FP16 values rounded as on a GPU.

ONNX Runtime's CPU kernels compute FP16 nodes in FP32 and remove the casts between them, so that values above 65,504 go unnoticed.
For this check the stage is rewritten: products and sums are computed in FP32, like in tensor cores, and every result is rounded to
FP16 by casts through float64, which ONNX Runtime does not remove.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, inliner, numpy_helper

from isfp.runtimes.threads import usable_cores
from isfp_export.precision.half import FLOAT, HALF, MOVES, value_types

_ERRORS_ONLY = 3


class StageSession:
    """A stage that can output any of its float values.

    Attributes:
        values: names of the float outputs of its nodes, in order.
    """

    def __init__(self, model: onnx.ModelProto, threads: int = 0) -> None:
        """Load a stage of any precision.

        Args:
            model: the stage.
            threads: number of threads; 0 for one on each physical core that this process may use.
        """
        shown = rounded(model)
        types = value_types(onnx.shape_inference.infer_shapes(shown, data_prop=True))
        outputs = {value.name for value in shown.graph.output}
        made = [name for node in shown.graph.node for name in node.output if types.get(name) == FLOAT]
        shown.graph.output.extend(helper.make_tensor_value_info(name, FLOAT, None) for name in made if name not in outputs)
        self.values = made
        self.outputs = [value.name for value in model.graph.output]
        self._inputs = {value.name for value in shown.graph.input}
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = threads or usable_cores()
        self._session = onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(self, feed: Mapping[str, np.ndarray], values: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Return values by name, by default the outputs of the stage. Inputs of other stages are ignored."""
        names = list(self.outputs if values is None else values)
        inputs = {name: array for name, array in feed.items() if name in self._inputs}
        missing = [name for name in names if name in inputs]
        asked = [name for name in names if name not in inputs]
        found = dict(zip(asked, self._session.run(asked, inputs), strict=True)) if asked else {}
        return {**found, **{name: inputs[name] for name in missing}}


def rounded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy with inlined functions and without FP16 types, in which values that were FP16 are rounded to FP16.

    Inputs and outputs that were FP16 are float32; the inputs are rounded too.
    """
    flat = inliner.inline_local_functions(model) if model.functions else model
    types = value_types(onnx.shape_inference.infer_shapes(flat, data_prop=True))
    copy = onnx.ModelProto()
    copy.CopyFrom(flat)
    graph = copy.graph
    del graph.node[:], graph.value_info[:]
    for tensor in graph.initializer:
        if tensor.data_type == HALF:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    seen: dict[str, str] = {}
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == HALF:
            value.type.tensor_type.elem_type = FLOAT
    for value in flat.graph.input:
        if types[value.name] == HALF:
            seen[value.name] = f"{value.name}/rounded"
            graph.node.extend(_round(value.name, seen[value.name]))
    for original in flat.graph.node:
        node = onnx.NodeProto()
        node.CopyFrom(original)
        node.input[:] = [seen.get(name, name) for name in original.input]
        if node.op_type == "Cast" and helper.get_node_attr_value(node, "to") == HALF:
            next(attribute for attribute in node.attribute if attribute.name == "to").i = FLOAT
        roundings = []
        for place, name in enumerate(original.output):
            if types.get(name) == HALF and node.op_type not in MOVES:
                node.output[place] = f"{name}/exact"
                roundings += _round(f"{name}/exact", name)
        graph.node.extend([node, *roundings])
    return copy


def _round(exact: str, name: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Cast", [exact], [f"{name}/fp16"], to=HALF),
        helper.make_node("Cast", [f"{name}/fp16"], [f"{name}/fp64"], to=TensorProto.DOUBLE),
        helper.make_node("Cast", [f"{name}/fp64"], [name], to=FLOAT),
    ]
