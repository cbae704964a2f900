"""Channel counts that runtimes compute fast: inputs of convolutions are padded with zeros to a full block of channels.

ONNX Runtime computes convolutions in blocks of 8 or 16 channels. With 534 input channels it uses a slower path, which takes nine
times as long as with 544. Coordinates as further channels of a map lead to such counts.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

from isfp_export.onnx.graph_edits import add_constant, attribute, remove_unread

BLOCK = 16


def pad_channels(model: onnx.ModelProto) -> onnx.ModelProto:
    """Pad concatenated channels that only one convolution reads to a multiple of `BLOCK`, and its kernel by as many zeros.

    The results do not change. Concatenations of a dynamic number of rows are padded if one of their parts is a constant that is
    expanded to that number: coordinates for each phrase. Returns a new model.
    """
    model = shape_inference.infer_shapes(model)
    graph = model.graph
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in graph.value_info}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made = {output: node for node in graph.node for output in node.output}
    reads = [name for node in graph.node for name in node.input] + [value.name for value in graph.output]
    for node in [node for node in graph.node if node.op_type == "Conv"]:
        source, kernel = made.get(node.input[0]), constants.get(node.input[1])
        if source is None or kernel is None or source.op_type != "Concat" or reads.count(source.output[0]) != 1:
            continue
        axis, groups = attribute(source, "axis", None), attribute(node, "group", 1)
        shape, missing = shapes.get(source.output[0], []), -kernel.dims[1] % BLOCK
        if axis != 1 or groups != 1 or not missing or len(shape) != 4 or not all(shape[1:]):
            continue
        last = made.get(source.input[-1])
        if shape[0]:
            zeros = np.zeros((shape[0], missing, *shape[2:]), np.float32)
            source.input.append(add_constant(graph, f"{source.output[0]}_padding", zeros))
        elif last is not None and reads.count(last.output[0]) == 1 and _expands_rows(last, made, constants):
            values = numpy_helper.to_array(constants[last.input[0]])
            last.input[0] = add_constant(graph, f"{last.input[0]}_padded", np.pad(values, ((0, missing), (0, 0), (0, 0))))
        else:
            continue
        weights = np.pad(numpy_helper.to_array(kernel), ((0, 0), (0, missing), (0, 0), (0, 0)))
        node.input[1] = add_constant(graph, f"{kernel.name}_padded", weights)
    remove_unread(graph)
    del graph.value_info[:]
    return model


def _expands_rows(node: onnx.NodeProto, made: dict[str, onnx.NodeProto], constants: dict[str, onnx.TensorProto]) -> bool:
    """Whether the node repeats a constant map `[C,H,W]` for each row, whatever its channels."""
    if node.op_type != "Expand" or node.input[0] not in constants or len(constants[node.input[0]].dims) != 3:
        return False
    shape = made.get(node.input[1])
    return (
        shape is not None
        and shape.op_type == "Concat"
        and len(shape.input) == 4
        and all(name in constants and numpy_helper.to_array(constants[name]).tolist() == [1] for name in shape.input[1:])
    )
