"""The file that full TensorRT gets: no function, and on the node what the plugin's README asks for."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper

from isfp_export.onnx.fpm_function import fpm_model
from isfp_export.onnx.tensorrt_graph import for_plugin, has_scan
from isfp_export.precision.half import to_half
from tests.export.small_graphs import chain

pytest.importorskip("onnx_graphsurgeon")


def test_functions_are_stripped_and_the_node_names_its_plugin() -> None:
    model, _ = to_half(fpm_model(5, 16, "tanh", alpha=0.5, slope=0.1))
    stripped = for_plugin(model)
    assert len(model.functions) == 1  # a copy was changed
    assert len(stripped.functions) == 0
    (node,) = [node for node in stripped.graph.node if node.op_type == "FPMScan"]
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    assert attributes.pop("alpha") == pytest.approx(0.5)
    assert attributes.pop("slope") == pytest.approx(0.1)
    assert attributes == {"activation": 0, "plugin_version": b"1", "plugin_namespace": b"isfp"}
    assert node.domain == "isfp"


def test_everything_else_is_kept() -> None:
    model, _ = to_half(fpm_model(5, 16, "tanh", alpha=0.5, slope=0.1))
    stripped = for_plugin(model)
    assert stripped.ir_version == model.ir_version
    assert {(entry.domain, entry.version) for entry in stripped.opset_import} == {("", 18), ("isfp", 1)}
    for ours, theirs in ((stripped.graph.input, model.graph.input), (stripped.graph.output, model.graph.output)):
        assert [(value.name, value.type.tensor_type.elem_type) for value in ours] == [
            (value.name, value.type.tensor_type.elem_type) for value in theirs
        ]
    assert sorted(node.op_type for node in stripped.graph.node) == sorted(node.op_type for node in model.graph.node)
    onnx.checker.check_model(stripped)


def test_a_stage_without_a_scan_passes_through() -> None:
    assert not has_scan(chain(2, 3))
    assert [node.op_type for node in for_plugin(chain(2, 3)).graph.node] == ["Mul", "Mul"]
