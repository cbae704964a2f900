"""Changes to a stage's ONNX for the parsers of TensorRT and TensorRT-RTX, which accept less than the standard."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from isfp.engines.fpm import DOMAIN, OPERATOR, PLUGIN_VERSION


def cast_bytes_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """Cast uint8 inputs first, because TensorRT allows no other operator on UINT8.

    Returns:
        A copy in which slices and transposes work on float32, with the same values.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    floats = {}
    for value in graph.input:
        if value.type.tensor_type.elem_type == TensorProto.UINT8:
            floats[value.name] = f"{value.name}/float"
    if not floats:
        return changed
    casts = [helper.make_node("Cast", [name], [new], name=f"{new}/cast", to=TensorProto.FLOAT) for name, new in floats.items()]
    nodes = []
    moved = set(floats.values())  # now float32, previously uint8
    same: dict[str, str] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(floats.get(name, name), floats.get(name, name))
        if node.input and node.input[0] in moved:
            if node.op_type == "Cast":
                same[node.output[0]] = node.input[0]
                continue
            moved.update(node.output)
        nodes.append(node)
    del graph.node[:], graph.value_info[:]
    graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(changed, full_check=True)
    return changed


def for_plugin(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove the body of the FPM scan's function, and name the plugin that replaces it in attributes of the node.

    Parsers before 10.7 prefer a function to a plugin with its name. The attributes are described in the README of the plugin.

    Returns:
        A copy without local functions.
    """
    import onnx_graphsurgeon as gs

    graph = gs.import_onnx(model)
    graph.functions.clear()
    for node in graph.nodes:  # plugins/fpm_scan/README.md, "What the ONNX node needs"
        if (node.domain, node.op) == (DOMAIN, OPERATOR):
            node.attrs["plugin_version"] = PLUGIN_VERSION
            node.attrs["plugin_namespace"] = DOMAIN
    return gs.export_onnx(graph, do_type_check=False, ir_version=model.ir_version)


def has_scan(model: onnx.ModelProto) -> bool:
    """Whether the stage contains an FPM scan."""
    return any((node.domain, node.op_type) == (DOMAIN, OPERATOR) for node in model.graph.node)
