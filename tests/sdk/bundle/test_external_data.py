"""Weights that no hash covers are refused, wherever in an ONNX file they are named."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from isfp import Segmenter
from isfp.bundle.bundle import Bundle, write_manifest
from isfp.bundle.onnx_file import refuse_external_data, summarise
from isfp.errors import BundleCorruptError
from tests.paths import ROOT


def outside(name: str = "weight") -> onnx.TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="elsewhere.bin")
    return tensor


def node(**attributes: object) -> onnx.NodeProto:
    made = helper.make_node("Constant", [], ["weight"])
    made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    return made


def graph(nodes: list | None = None, initializers: list | None = None) -> onnx.GraphProto:
    return helper.make_graph(nodes or [], "graph", [], [], initializers or [])


def placed_in_a_sparse_tensor() -> onnx.GraphProto:
    made = graph()
    made.sparse_initializer.add().values.CopyFrom(outside())
    return made


def placed_in_a_function() -> onnx.ModelProto:
    model = helper.make_model(graph())
    function = helper.make_function("isfp", "f", [], ["weight"], [node(value=outside())], [helper.make_opsetid("", 18)])
    model.functions.append(function)
    return model


PLACES = {
    "initializer": lambda: helper.make_model(graph(initializers=[outside()])),
    "constant": lambda: helper.make_model(graph([node(value=outside())])),
    "list of constants": lambda: helper.make_model(graph([node(values=[outside()])])),
    "branch": lambda: helper.make_model(graph([node(then_branch=graph(initializers=[outside()]))])),
    "branch in a branch": lambda: helper.make_model(graph([node(body=graph([node(body=graph([node(value=outside())]))]))])),
    "sparse tensor": lambda: helper.make_model(placed_in_a_sparse_tensor()),
    "function": placed_in_a_function,
}


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_refused_wherever_it_is(place):
    with pytest.raises(BundleCorruptError, match="mask.onnx keeps the weights of 'weight' in another file"):
        refuse_external_data(PLACES[place]().SerializeToString(), "mask.onnx")


@pytest.mark.parametrize("field", ["external_data", "data_location"])
def test_either_of_the_two_fields_is_enough(field):
    tensor = outside()
    tensor.ClearField(field)
    with pytest.raises(BundleCorruptError, match="another file"):
        refuse_external_data(helper.make_model(graph(initializers=[tensor])).SerializeToString(), "mask.onnx")


def test_a_bundle_with_external_data_does_not_open_though_all_its_hashes_are_right(colour_bundle, tmp_path, monkeypatch):
    copy = Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))
    model = onnx.load(copy / "mask.onnx")
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "mix")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="elsewhere.bin")
    (copy / "mask.onnx").write_bytes(model.SerializeToString())
    write_manifest(copy, json.loads((copy / "manifest.json").read_text(encoding="utf-8")))
    np.ones(9, np.float32).tofile(tmp_path / "elsewhere.bin")
    monkeypatch.chdir(tmp_path)
    for opened in (Bundle.open, Segmenter):
        with pytest.raises(BundleCorruptError, match="'mix' in another file"):
            opened(copy)


def test_the_shipped_bundle_has_all_weights_inside():
    Bundle.open(ROOT / "models" / "edge.isfp")


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content):
    with contextlib.suppress(BundleCorruptError):
        refuse_external_data(content, "x.onnx")


def test_deep_nesting_is_refused_without_recursion():
    def field(number: int, content: bytes) -> bytes:
        size, rest = b"", len(content)
        while rest > 0x7F:
            size, rest = size + bytes([rest & 0x7F | 0x80]), rest >> 7
        return bytes([number << 3 | 2]) + size + bytes([rest]) + content

    deep = b""
    for _ in range(1000):  # a graph in an attribute of a node of a graph
        deep = field(1, field(5, field(6, deep)))
    with pytest.raises(BundleCorruptError, match="nests more than"):
        refuse_external_data(field(7, deep), "x.onnx")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it has no graph"),
        (b"\x08\x09", "it has no graph"),
        (b"\x3a", "it ends within a number"),
        (b"\x3a\x05\x00", "it ends within a field"),
        (b"\x3a\x00" * ((1 << 20) + 1), "it has more than 1048576 fields"),
    ],
    ids=["empty", "without a graph", "number", "field", "many fields"],
)
def test_a_file_that_is_no_model_says_why(content, why):
    with pytest.raises(BundleCorruptError, match=f"x.onnx is not an ONNX file: {why}"):
        refuse_external_data(content, "x.onnx")


def test_a_tensor_that_is_said_to_be_larger_than_any_file_is_refused():
    tensor = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[1 << 62] * 300)
    model = helper.make_model(helper.make_graph([], "x", [], [], [tensor]))
    with pytest.raises(BundleCorruptError, match="a tensor is said to have more than"):
        summarise(model.SerializeToString(), "x.onnx")
