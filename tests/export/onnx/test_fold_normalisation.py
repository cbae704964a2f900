"""Normalisation before convolutions goes into their kernels, and the results stay the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from isfp_export.onnx.fold_normalisation import fold_normalisation

CHANNELS = 3
MEAN, STD = np.array([103.53, 116.28, 123.675]), np.array([57.4, 57.1, 58.4])


def model_of(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], outputs: tuple[str, ...] = ("y",)) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    kernel = np.random.default_rng(1).normal(size=(8, CHANNELS, 3, 3))
    constants = {"kernel": kernel, "bias": np.arange(8.0), **constants}
    graph = helper.make_graph(
        nodes,
        "test",
        [value("frame", TensorProto.FLOAT, [1, CHANNELS, 10, 12])],
        [value(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(values if values.dtype == np.int64 else values.astype(np.float32), name)
            for name, values in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model)


def run(model: onnx.ModelProto) -> list[np.ndarray]:
    onnx.checker.check_model(model, full_check=True)
    frame = np.random.default_rng(2).integers(0, 256, (1, CHANNELS, 10, 12)).astype(np.float32)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"frame": frame})


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def two_networks() -> onnx.ModelProto:
    """One network normalises; the next undoes that, reverses the channels and normalises in its own way."""
    node = helper.make_node
    return model_of(
        [
            node("Sub", ["frame", "grey"], ["a"]),
            node("Div", ["a", "half"], ["b"]),
            node("Conv", ["b", "kernel", "bias"], ["y"], pads=[0, 0, 1, 1], strides=[2, 2]),
            node("Mul", ["b", "half"], ["c"]),
            node("Add", ["c", "grey"], ["d"]),
            node("Slice", ["d", "last", "none", "axis", "last"], ["e"]),
            node("Sub", ["e", "mean"], ["f"]),
            node("Div", ["f", "std"], ["g"]),
            node("Conv", ["g", "kernel"], ["z"], pads=[1, 1, 1, 1]),
        ],
        {
            "grey": np.full((1, 3, 1, 1), 127.0),
            "half": np.array(128.0),
            "mean": MEAN.reshape(1, 3, 1, 1),
            "std": STD.reshape(1, 3, 1, 1),
            "last": np.array([-1]),
            "none": np.array([np.iinfo(np.int64).min]),
            "axis": np.array([1]),
        },
        ("y", "z"),
    )


def test_one_subtraction_remains_for_each_padded_convolution() -> None:
    wanted, folded = run(two_networks()), fold_normalisation(two_networks())
    assert operators(folded) == ["Sub", "Conv", "Sub", "Conv"]
    for found, expected in zip(run(folded), wanted, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("bias", [True, False])
def test_without_padding_the_mean_goes_into_the_bias(bias: bool) -> None:
    def model() -> onnx.ModelProto:
        nodes = [
            helper.make_node("Sub", ["frame", "mean"], ["a"]),
            helper.make_node("Div", ["a", "std"], ["b"]),
            helper.make_node("Conv", ["b", "kernel", *["bias"] * bias], ["y"]),
        ]
        return model_of(nodes, {"mean": MEAN.reshape(1, 3, 1, 1), "std": STD.reshape(1, 3, 1, 1)})

    (wanted,), folded = run(model()), fold_normalisation(model())
    assert operators(folded) == ["Conv"]
    np.testing.assert_allclose(run(folded)[0], wanted, atol=1e-5 * np.abs(wanted).max())


def test_what_something_else_reads_stays() -> None:
    nodes = [
        helper.make_node("Div", ["frame", "std"], ["a"]),
        helper.make_node("Conv", ["a", "kernel"], ["y"], pads=[1, 1, 1, 1]),
    ]
    constants = {"std": STD.reshape(1, 3, 1, 1)}
    wanted = run(model_of(nodes, constants, ("y", "a")))
    folded = fold_normalisation(model_of(nodes, constants, ("y", "a")))
    assert sorted(operators(folded)) == ["Conv", "Div"]
    for found, expected in zip(run(folded), wanted, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "before",
    [
        helper.make_node("Mul", ["frame", "rows"], ["a"]),  # not by channel
        helper.make_node("Slice", ["frame", "last", "none", "rows_axis", "last"], ["a"]),  # reverses rows
        helper.make_node("Sub", ["frame", "mean"], ["a"]),  # padding follows the subtraction: nothing to gain
        helper.make_node("Mul", ["frame", "zero"], ["a"]),  # a centre would be a division by zero
    ],
    ids=["rows", "reversed rows", "mean alone", "zero"],
)
def test_other_nodes_are_left_alone(before: onnx.NodeProto) -> None:
    nodes = [before, helper.make_node("Conv", ["a", "kernel"], ["y"], pads=[1, 1, 1, 1])]
    constants = {
        "rows": np.arange(10.0).reshape(10, 1),
        "last": np.array([-1]),
        "none": np.array([np.iinfo(np.int64).min]),
        "rows_axis": np.array([2]),
        "mean": MEAN.reshape(1, 3, 1, 1),
        "zero": np.array(0.0),
    }
    folded = fold_normalisation(model_of(nodes, constants))
    assert operators(folded) == [before.op_type, "Conv"]
    assert folded.graph.node[1].input[:2] == ["a", "kernel"]
