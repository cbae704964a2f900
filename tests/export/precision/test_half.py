"""FP32 stages to strongly typed FP16: types, what is kept and why, and what ONNX Runtime makes of it."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from fpm_scan.reference import TANH
from fpm_scan.reference import fpm_scan as reference
from isfp_export.onnx.fpm_function import fpm_model
from isfp_export.onnx.tensorrt_graph import cast_bytes_first
from isfp_export.precision.half import to_half, value_types
from tests.export.small_graphs import BYTES, FLOAT, chain, frames, picture_net

HALF = TensorProto.FLOAT16


def run(model: onnx.ModelProto, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)


def types_of(model: onnx.ModelProto) -> dict[str, int]:
    return value_types(onnx.shape_inference.infer_shapes(model, data_prop=True))


def test_convolutions_read_and_give_half_and_borders_stay_float() -> None:
    half, plan = to_half(cast_bytes_first(picture_net()))
    types = types_of(half)
    for node in half.graph.node:
        if node.op_type in ("Conv", "Clip", "LeakyRelu"):
            assert {types[name] for name in (*node.input, *node.output)} == {HALF}, node.name
    assert [value.type.tensor_type.elem_type for value in (*half.graph.input, *half.graph.output)] == [BYTES, FLOAT]
    assert {"first", "clip", "middle", "leaky", "last"} == set(plan.half)


def test_kept_operators_compute_in_float_and_say_why() -> None:
    half, plan = to_half(cast_bytes_first(picture_net()))
    types = types_of(half)
    for node in half.graph.node:
        if node.op_type in ("Sub", "Div", "Sigmoid"):
            assert {types[name] for name in (*node.input, *node.output)} == {FLOAT}, node.name
    assert "probability" in plan.kept
    assert "normalises" in plan.kept["centre"]
    assert plan.kept["flip"] == plan.kept["turn"] == "it only moves outputs of FP32 nodes"


@pytest.mark.parametrize("keep", ["middle", "Conv"])
def test_a_node_or_an_operator_can_be_kept(keep: str) -> None:
    half, plan = to_half(cast_bytes_first(picture_net()), [keep])
    node = next(node for node in half.graph.node if node.name == "middle")
    assert types_of(half)[node.output[0]] == FLOAT
    assert plan.kept["middle"] == "requested"
    assert ("first" in plan.kept) is (keep == "Conv")


@pytest.mark.parametrize("keep", [(), ("grow",), ("shrink",), ("grow", "shrink")])
def test_what_goes_from_stage_to_stage_is_half_and_needs_no_cast_where_nodes_compute_in_half(keep: tuple[str, ...]) -> None:
    for between in ({"x"}, {"y"}, {"x", "y"}):
        half, _ = to_half(chain(3, 0.5), keep, between)
        types = {value.name: value.type.tensor_type.elem_type for value in (*half.graph.input, *half.graph.output)}
        assert types == {name: HALF if name in between else FLOAT for name in ("x", "y")}
        wide = {"x": ("x" in between) is ("grow" in keep), "y": ("y" in between) is ("shrink" in keep)}
        inside = len({"grow" in keep, "shrink" in keep}) - 1
        assert sum(node.op_type == "Cast" for node in half.graph.node) == sum(wide.values()) + inside
        x = np.float32([1, 2, 3, 4])
        (y,) = run(half, {"x": x.astype(np.float16) if "x" in between else x})
        assert y.dtype == (np.float16 if "y" in between else np.float32)
        np.testing.assert_array_equal(y, x * 1.5)


def test_an_output_that_later_nodes_read_too_has_one_cast_at_most() -> None:
    model = chain(3, 0.5)
    model.graph.output.append(onnx.helper.make_tensor_value_info("grown", FLOAT, [4]))
    for keep in ((), ("grow",), ("shrink",)):
        for between in ((), ("grown",)):
            half, _ = to_half(model, keep, between)
            y, grown = run(half, {"x": np.float32([1, 2, 3, 4])})
            np.testing.assert_array_equal(grown, np.float32([3, 6, 9, 12]))
            np.testing.assert_array_equal(y, np.float32([1.5, 3, 4.5, 6]))
            assert sum(node.op_type == "Cast" and "grown" in node.input[0] for node in half.graph.node) <= 1


def test_a_constant_past_the_range_of_half_stays_in_float() -> None:
    half, plan = to_half(chain(1e5, 1e-5))
    assert "65,504" not in plan.kept.get("shrink", "")
    assert "100000" in plan.kept["grow"]
    (y,) = run(half, {"x": np.float32([1, 2, 3, 4])})
    np.testing.assert_allclose(y, [1, 2, 3, 4], rtol=2e-3)


def test_the_original_is_not_changed() -> None:
    model = cast_bytes_first(picture_net())
    before = model.SerializeToString()
    to_half(model)
    assert model.SerializeToString() == before


def test_bytes_are_cast_before_anything_else_reads_them() -> None:
    """TensorRT refuses every other operator on UINT8, TensorRT-RTX with "unsupported input type of UINT8"."""
    model = picture_net()
    changed = cast_bytes_first(model)
    assert [node.op_type for node in changed.graph.node if "frame" in node.input] == ["Cast"]
    assert sum(node.op_type == "Cast" for node in changed.graph.node) == 1
    for feed in frames(2):
        np.testing.assert_array_equal(run(model, feed)[0], run(changed, feed)[0])


def test_half_agrees_with_float_in_onnx_runtime() -> None:
    model = cast_bytes_first(picture_net())
    half, _ = to_half(model)
    for feed in frames(3):
        assert np.abs(run(model, feed)[0] - run(half, feed)[0]).max() < 5e-3  # of probabilities


@pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])
def test_the_scans_body_takes_half(activation: str) -> None:
    model, _ = to_half(fpm_model(5, 16, activation, alpha=0.5, slope=0.1))
    assert types_of(model)[next(node for node in model.graph.node if node.op_type == "FPMScan").input[1]] == HALF
    rng = np.random.default_rng(0)
    feeds = {
        "isf": rng.normal(0, 1, (2, 5, 5, 16)).astype(np.float32),
        "w1": rng.normal(0, 0.2, (4, 16, 16)).astype(np.float32),
        "w2": rng.normal(0, 0.15, (4, 2, 16, 16)).astype(np.float32),
    }
    (ours,) = run(model, feeds)
    meant = reference(feeds["isf"], feeds["w1"], feeds["w2"], 0.5, TANH if activation == "tanh" else 1, 0.1)
    assert np.abs(ours - meant).max() <= 5e-3 * np.abs(meant).max()
