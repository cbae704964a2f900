"""Weights in half precision: smaller on disk, the same to every runtime, and undone for what changes a model."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from isfp_export.onnx.compact import restore, store_in_half


def model_with(kernel: np.ndarray) -> onnx.ModelProto:
    """One convolution `[1,16,8,8]` -> `[1,16,8,8]`."""
    shape = [1, 16, 8, 8]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1])],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def test_a_kernel_that_fp16_holds_computes_the_same_from_half_the_bytes() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(16, 16, 3, 3)).astype(np.float16).astype(np.float32)
    model, x = model_with(kernel), rng.normal(size=(1, 16, 8, 8)).astype(np.float32)
    wanted, before = run(model, x), model.ByteSize()
    store_in_half(model)
    assert model.ByteSize() < 0.6 * before
    np.testing.assert_array_equal(run(model, x), wanted)


def test_a_kernel_that_fp16_would_round_is_left_alone() -> None:
    model = model_with(np.random.default_rng(1).normal(size=(16, 16, 3, 3)).astype(np.float32))
    before = model.SerializeToString()
    store_in_half(model)
    assert model.SerializeToString() == before


def test_a_very_large_kernel_is_rounded() -> None:
    kernel = np.random.default_rng(1).normal(size=(16, 16, 3, 3)).astype(np.float32)
    large = np.tile(kernel, (6, 16, 1, 1))[:, :256]
    assert large.size >= 200_000
    shape = helper.make_tensor_value_info
    node = helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1])
    inputs, outputs = [shape("x", TensorProto.FLOAT, [1, 256, 8, 8])], [shape("y", TensorProto.FLOAT, [1, 96, 8, 8])]
    graph = helper.make_graph([node], "test", inputs, outputs, [numpy_helper.from_array(large, "kernel")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    x = np.random.default_rng(2).normal(size=(1, 256, 8, 8)).astype(np.float32)
    wanted, before = run(model, x), model.ByteSize()
    store_in_half(model)
    assert model.ByteSize() < 0.6 * before
    np.testing.assert_allclose(run(model, x), wanted, atol=1e-3 * np.abs(wanted).max())


def test_restoring_gives_the_float32_weights_back_without_casts() -> None:
    kernel = np.random.default_rng(1).normal(size=(16, 16, 3, 3)).astype(np.float16).astype(np.float32)
    model = model_with(kernel)
    store_in_half(model)
    restore(model)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    (tensor,) = model.graph.initializer
    assert tensor.name == "kernel"
    np.testing.assert_array_equal(numpy_helper.to_array(tensor), kernel)
