"""Explicit quantisation: Q/DQ pairs where they belong, scales that fit, and the noisy left out."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from isfp.engines.record import Precision
from isfp_export.onnx.tensorrt_graph import cast_bytes_first
from isfp_export.precision.half import to_half
from isfp_export.precision.quantise import QUANTISED_TYPES, candidates, nonnegative, quantise, quantised_weights
from isfp_export.precision.ranges import LEAST_RATIOS, ranges, too_noisy
from isfp_export.precision.run import StageSession
from tests.export.small_graphs import FLOAT, frames, model, picture_net


def half_net() -> onnx.ModelProto:
    return to_half(cast_bytes_first(picture_net()))[0]


def test_the_first_and_the_last_convolution_are_left_alone() -> None:
    assert candidates(half_net()) == {"middle": "b"}
    assert candidates(half_net(), ["middle"]) == candidates(half_net(), ["Conv"]) == {}


@pytest.mark.parametrize("kind", [Precision.INT8, Precision.FP8])
def test_input_and_weights_go_through_a_pair_of_the_kind(kind: Precision) -> None:
    quantised = quantise(half_net(), {"b": 6.0}, kind, ["middle"])
    made = {node.output[0]: node for node in quantised.graph.node}
    weights = {tensor.name: tensor for tensor in quantised.graph.initializer}
    middle = next(node for node in quantised.graph.node if node.name == "middle")
    activation, weight = (made[name] for name in middle.input[:2])
    assert activation.op_type == weight.op_type == "DequantizeLinear"
    assert made[activation.input[0]].op_type == "QuantizeLinear"
    assert weights[weight.input[0]].data_type == weights[activation.input[2]].data_type == QUANTISED_TYPES[kind].onnx_type
    assert list(weights[weight.input[1]].dims) == [8]  # one scale an output channel
    assert helper.get_node_attr_value(weight, "axis") == 0
    assert [entry.version for entry in quantised.opset_import] == [19]


@pytest.mark.parametrize(("kind", "share"), [(Precision.INT8, 0.5 / 127), (Precision.FP8, 2.0**-4)])
def test_weights_are_off_by_half_a_step_at_most(kind: Precision, share: float) -> None:
    weights = np.random.default_rng(0).normal(0, 1, (6, 4, 3, 3)) * np.logspace(-3, 1, 6)[:, None, None, None]
    weights = weights.astype(np.float16)
    values, scales = quantised_weights(weights, kind)
    back = values.astype(np.float32) * scales.astype(np.float32)[:, None, None, None]
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    # INT8's step is the same for all values, FP8's grows with the value.
    allowed = share * (largest if kind == Precision.INT8 else np.maximum(np.abs(weights), largest * 2.0**-14)) * 1.01
    assert (np.abs(back - weights) <= allowed).all()


@pytest.mark.parametrize(("kind", "within"), [(Precision.INT8, 0.02), (Precision.FP8, 0.06)])
def test_a_quantised_net_stays_near(kind: Precision, within: float) -> None:
    half, feeds = half_net(), frames(6)
    wide = StageSession(cast_bytes_first(picture_net()))
    found = ranges(wide, ["b"], feeds, kind)
    session = StageSession(quantise(half, found, kind, ["middle"]))
    gaps = [np.abs(session.run(feed)["seen"] - wide.run(feed)["seen"]).max() for feed in feeds]
    assert 0 < max(gaps) < within


def test_int8_ranges_clip_an_outlier_among_many_values_and_fp8_ranges_do_not() -> None:
    shape = [1, 1, 100, 200]
    values = np.random.default_rng(0).normal(0, 1, (25, *shape)).astype(np.float32)
    values[3, 0, 0, 0, 0] = 8.0
    feeds = [{"x": frame} for frame in values]
    node = helper.make_node("Relu", ["x"], ["y"], name="relu")
    session = StageSession(model([node], {"x": (FLOAT, shape)}, {"y": (FLOAT, shape)}, {}))
    assert 3 < ranges(session, ["y"], feeds, Precision.INT8)["y"] < 6
    assert ranges(session, ["y"], feeds, Precision.FP8)["y"] == 8


def test_a_convolution_that_drowns_in_its_own_noise_is_named() -> None:
    """A range a hundred times too wide leaves the values two steps."""
    assert too_noisy(half_net(), {"b": 6.0}, Precision.INT8, frames(2)) == {}
    noisy = too_noisy(half_net(), {"b": 600.0}, Precision.INT8, frames(2))
    assert list(noisy) == ["middle"]
    assert noisy["middle"] < LEAST_RATIOS[Precision.FP16]


def test_a_stage_in_fp32_has_scales_in_fp32_and_stays_nearer_with_unsigned_activations() -> None:
    wide, feeds = cast_bytes_first(picture_net()), frames(6)
    assert candidates(wide, base=Precision.FP32) == candidates(half_net()) == {"middle": "b"}
    assert candidates(wide) == {}  # nothing in it is in FP16
    assert nonnegative(wide) == {"b", "seen"}
    session = StageSession(wide)
    gaps = {}
    for unsigned in ((), ("b",)):
        found = ranges(session, ["b"], feeds, Precision.INT8, unsigned)
        quantised = quantise(wide, found, Precision.INT8, ["middle"], unsigned)
        tensors = {tensor.name: tensor for tensor in quantised.graph.initializer}
        assert tensors["b/int8/scale"].data_type == onnx.TensorProto.FLOAT
        assert tensors["b/int8/zero"].data_type == (onnx.TensorProto.UINT8 if unsigned else onnx.TensorProto.INT8)
        ours = StageSession(quantised)
        gaps[unsigned] = max(float(np.abs(ours.run(feed)["seen"] - session.run(feed)["seen"]).mean()) for feed in feeds)
    assert 0 < gaps[("b",)] < gaps[()]


def test_values_behind_relus_are_known_not_to_be_negative() -> None:
    shape = [1, 4, 4, 4]
    nodes = [
        helper.make_node("Clip", ["x", "zero", "six"], ["cut"], name="cut"),
        helper.make_node("Clip", ["x", "minus", "six"], ["both"], name="both"),
        helper.make_node("MaxPool", ["cut"], ["pooled"], name="pool", kernel_shape=[1, 1]),
        helper.make_node("Mul", ["pooled", "six"], ["more"], name="more"),
        helper.make_node("Mul", ["pooled", "minus"], ["less"], name="less"),
        helper.make_node("Add", ["pooled", "x"], ["mixed"], name="mixed"),
        helper.make_node("Concat", ["cut", "more"], ["joined"], name="joined", axis=1),
    ]
    constants = {"zero": np.float32(0), "six": np.float32(6), "minus": np.float32(-1)}
    made = model(nodes, {"x": (FLOAT, shape)}, {"joined": (FLOAT, [1, 8, 4, 4])}, constants)
    assert nonnegative(made) == {"cut", "pooled", "more", "joined"}
