"""Convolutions behind a concatenation get full blocks of channels, and compute the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from isfp_export.onnx.pad_channels import BLOCK, pad_channels


def model_of(count: int, batch: int | str = 1) -> onnx.ModelProto:
    """A concatenation of `count` channels and 2 coordinates, and a convolution that reads it."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(8, count + 2, 3, 3)).astype(np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Concat", ["x", "xy"], ["joined"], axis=1),
            helper.make_node("Conv", ["joined", "kernel"], ["y"], pads=[1, 1, 1, 1]),
        ],
        "test",
        [value("x", TensorProto.FLOAT, [batch, count, 6, 6]), value("xy", TensorProto.FLOAT, [batch, 2, 6, 6])],
        [value("y", TensorProto.FLOAT, [batch, 8, 6, 6])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def expanded(count: int) -> onnx.ModelProto:
    """The same with constant coordinates that are repeated for each of `P` rows."""
    model = model_of(count, batch="P")
    graph = model.graph
    del graph.input[1]
    grid = np.random.default_rng(2).normal(size=(2, 6, 6)).astype(np.float32)
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in (("grid", grid), ("one", np.array([1]))))
    nodes = [
        helper.make_node("Shape", ["x"], ["rows"], start=0, end=1),
        helper.make_node("Concat", ["rows", "one", "one", "one"], ["shape"], axis=0),
        helper.make_node("Expand", ["grid", "shape"], ["xy"]),
    ]
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def run(model: onnx.ModelProto, count: int, rows: int = 1) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    rng = np.random.default_rng(1)
    feed = {"x": rng.normal(size=(rows, count, 6, 6)), "xy": rng.normal(size=(rows, 2, 6, 6))}
    feed = {value.name: feed[value.name] for value in model.graph.input}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {name: values.astype(np.float32) for name, values in feed.items()})[0]


@pytest.mark.parametrize("count", [BLOCK, 2 * BLOCK - 3, 4])
def test_a_kernel_is_widened_to_full_blocks_and_gives_the_same(count: int) -> None:
    model = model_of(count)
    wanted = run(model, count)
    padded = pad_channels(model)
    (kernel,) = [tensor for tensor in padded.graph.initializer if "kernel" in tensor.name]
    assert kernel.dims[1] % BLOCK == 0
    np.testing.assert_allclose(run(padded, count), wanted, atol=1e-5 * np.abs(wanted).max())


def test_coordinates_that_are_repeated_for_each_phrase_are_widened() -> None:
    count = 2 * BLOCK - 5
    padded = pad_channels(expanded(count))
    assert {tensor.name: list(tensor.dims) for tensor in padded.graph.initializer} == {
        "one": [1],
        "grid_padded": [5, 6, 6],
        "kernel_padded": [8, 2 * BLOCK, 3, 3],
    }
    for rows in (1, 3):
        wanted = run(expanded(count), count, rows)
        np.testing.assert_allclose(run(padded, count, rows), wanted, atol=1e-5 * np.abs(wanted).max())


def test_a_full_block_is_left_alone() -> None:
    padded = pad_channels(model_of(BLOCK - 2))
    assert [tensor.name for tensor in padded.graph.initializer] == ["kernel"]


def test_a_concatenation_whose_batch_is_not_fixed_is_left_alone() -> None:
    padded = pad_channels(model_of(BLOCK, batch="P"))
    assert [tensor.name for tensor in padded.graph.initializer] == ["kernel"]
