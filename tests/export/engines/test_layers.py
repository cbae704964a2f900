"""Layers read back from builders, and the check that they compute in what was asked."""

from __future__ import annotations

import json

import pytest

from isfp_export.engines.layers import (
    EnginePrecisionError,
    Layer,
    check_precision,
    element_type,
    from_inspector,
    from_message,
    table,
)

# Lines as TensorRT-RTX 1.7.1 writes them, cut short.
MESSAGE = """Layers:
Name: __myl_Cast_myl0_1, LayerType: kgen, Inputs: [ { Name: frame, Dimensions: [1,16,16,3], Strides: [768,48,3,1], Datatype: UInt8, Format: (Linear) Row major linear format }], Constants: [], Outputs: [ { Name: a, Dimensions: [1,3,16,16], Datatype: Half, Format: (NHWC) Channel major format }], TacticName: __myl_Cast_0xbf, StreamId: 0, Metadata: [ONNX Layer: frame/float/cast][ONNX Layer: scale]
Name: first_myl0_2, LayerType: correlation, Inputs: [ { Name: a, Dimensions: [1,3,16,16], Datatype: Half, Format: (NHWC) Channel major format }], Constants: [ { Name: w, Datatype: Half, Format: x }, { Name: s, Datatype: Float, Format: x }], Outputs: [ { Name: b, Datatype: Half, Format: x }], TacticName: t, StreamId: 0, Metadata: [ONNX Layer: first][ONNX Layer: clip]
Name: __myl_MulMinMaxRoun_myl0_3, LayerType: kgen, Inputs: [ { Name: b, Datatype: Float, Format: x }], Constants: [ { Name: w, Datatype: Int8, Format: x }], Outputs: [ { Name: q, Datatype: Int8, Format: x }], TacticName: t, StreamId: 0, Metadata: [ONNX Layer: b/int8/quantise][ONNX Layer: middle]
Name: middle_myl0_4, LayerType: correlation, Inputs: [ { Name: q, Datatype: Int8, Format: x }], Constants: [], Outputs: [ { Name: c, Datatype: Float, Format: x }], TacticName: t, StreamId: 0, Metadata: [ONNX Layer: middle]
Name: node_of_v25_myl0_15, LayerType: gemm, Inputs: [ { Name: h, Datatype: Half, Format: x }], Constants: [], Outputs: [ { Name: p, Datatype: Half, Format: x }], TacticName: t, StreamId: 0, Metadata: [ONNX Layer: node_of_v25 | scan (FPMScan)]
Name: __mye27402_myl0_6, LayerType: signal, Inputs: [], Constants: [], Outputs: [], TacticName: , StreamId: 0, EventId: 1, Metadata: 

I/O Tensors:
 Name: frame, IOMode: Input, DataType: UInt8
"""  # noqa: E501, W291
WANTED = {"first": "fp16", "middle": "int8", "scan": "fp16"}

# As TensorRT's inspector writes JSON: two words for the type, by version.
INSPECTED = {
    "Layers": [
        {
            "Name": "first", "LayerType": "CaskConvolution", "Metadata": "[ONNX Layer: first]\x1e[ONNX Layer: clip]",
            "Inputs": [{"Name": "a", "Dimensions": [1, 3, 16, 16], "Format/Datatype": "Channel major FP16 format"}],
            "Outputs": [{"Name": "b", "Dimensions": [1, 8, 16, 16], "Format/Datatype": "Channel major FP16 format"}],
        },
        {
            "Name": "scan", "LayerType": "PluginV3", "Metadata": "[ONNX Layer: scan]",
            "Inputs": [{"Name": "isf", "Datatype": "Half", "Format": "Row major linear format"}], "Outputs": [],
        },
    ]
}  # fmt: skip


def test_a_message_gives_all_layers_with_types_and_origins() -> None:
    layers = from_message(MESSAGE)
    assert [layer.kind for layer in layers] == ["kgen", "correlation", "kgen", "correlation", "gemm", "signal"]
    assert layers[1] == Layer("first_myl0_2", "correlation", ("fp16",), ("fp16",), ("first", "clip"))
    assert table(layers) == {
        "layers": 6,
        "kinds": {"correlation": 2, "gemm": 1, "kgen": 2, "signal": 1},
        "types": {"fp16": 2, "fp32": 1, "int8": 1, "none": 2},
    }


def test_an_inspectors_answer_gives_the_same() -> None:
    first, scan = from_inspector(json.dumps(INSPECTED))
    assert (first.kind, first.inputs, first.nodes) == ("CaskConvolution", ("fp16",), ("first", "clip"))
    assert check_precision("identify", [first, scan], {"first": "fp16", "scan": "fp16"}).nodes == {
        "first": "fp16",
        "scan": "fp16",
    }


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("Half", "fp16"), ("Float", "fp32"), ("FP8", "fp8"), ("FP8 E4M3", "fp8"), ("Int8", "int8"), ("HALF", "fp16"),
        ("Row major linear FP32", "fp32"), ("Thirty-two wide channel vectorized row major Int8 format", "int8"),
        ("N/A due to dynamic shapes", "n/a due to dynamic shapes"),
    ],
)  # fmt: skip
def test_names_of_types(text: str, ours: str) -> None:
    assert element_type(text) == ours


def test_an_engine_in_what_was_asked_passes() -> None:
    """The scales of `middle` are worked out by an elementwise kernel that reads floats: no product, so no fault."""
    assert check_precision("mask", from_message(MESSAGE), WANTED).nodes == WANTED


@pytest.mark.parametrize(("was", "becomes", "node"), [("Int8", "Half", "middle"), ("Half", "Float", "scan")])
def test_a_product_in_something_wider_is_refused_by_name(was: str, becomes: str, node: str) -> None:
    lines = MESSAGE.splitlines()
    at = next(n for n, line in enumerate(lines) if f"{node}]" in line or f"{node} (FPMScan)]" in line if "kgen" not in line)
    lines[at] = lines[at].replace(f"Datatype: {was}", f"Datatype: {becomes}")
    with pytest.raises(EnginePrecisionError, match=rf"{node} computes in .*, expected {WANTED[node]}.*--keep NODE"):
        check_precision("mask", from_message("\n".join(lines)), WANTED)


def test_what_is_kept_may_compute_in_anything() -> None:
    assert check_precision("mask", from_message(MESSAGE), {"first": "fp32"}).nodes == {"first": "fp16"}


def test_no_proof_is_no_pass() -> None:
    with pytest.raises(EnginePrecisionError, match="lists none of the mask stage's 1"):
        check_precision("mask", from_message(MESSAGE), {"elsewhere": "fp16"})
    with pytest.raises(EnginePrecisionError, match="cannot be read"):
        from_message("Layers: of some other form")
    for answer in ("no JSON", '{"Layers": ["first", "scan"]}', "{}"):
        with pytest.raises(EnginePrecisionError):
            from_inspector(answer)


def test_the_network_counts_where_a_layer_tells_nothing() -> None:
    opaque = [Layer("{ForeignNode[first...scan]}", "Myelin", ("fp32",), ("fp32",), ("first", "scan"))]
    asked = {"first": "fp16", "scan": "fp16"}
    assert check_precision("identify", opaque, asked, {"first": "fp16", "scan": "fp16"}).nodes == asked
    with pytest.raises(EnginePrecisionError, match="scan computes in fp32"):
        check_precision("identify", opaque, asked, {"first": "fp16", "scan": "fp32"})


def test_where_the_network_decides_a_layer_that_absorbed_a_cast_is_only_doubted() -> None:
    layers = [Layer("gemm", "gemm", ("fp32",), ("fp16",), ("cast", "scan"))]
    computed = check_precision("identify", layers, {"scan": "fp16"}, {"scan": "fp16"}, network_decides=True)
    assert computed.nodes == {"scan": "fp16"}
    assert computed.doubts == ["scan is listed with fp32, and is fp16 in the network"]
    with pytest.raises(EnginePrecisionError, match="scan computes in fp32"):
        check_precision("identify", layers, {"scan": "fp16"}, {"scan": "fp16"})
    with pytest.raises(EnginePrecisionError, match="scan computes in fp32"):
        check_precision("identify", layers, {"scan": "fp16"}, {"scan": "fp32"}, network_decides=True)
