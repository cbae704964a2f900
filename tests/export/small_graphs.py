"""Small ONNX graphs written by hand, for the passes over graphs."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, BYTES = TensorProto.FLOAT, TensorProto.UINT8


def model(nodes: list, inputs: dict, outputs: dict, constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    """A checked model of opset 18; inputs and outputs by name as (type, shape)."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, *value) for name, value in inputs.items()],
        [helper.make_tensor_value_info(name, *value) for name, value in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made


def chain(first: float, second: float) -> onnx.ModelProto:
    """x · first · second, two nodes."""
    nodes = [
        helper.make_node("Mul", ["x", "first"], ["grown"], name="grow"),
        helper.make_node("Mul", ["grown", "second"], ["y"], name="shrink"),
    ]
    constants = {"first": np.float32([first]), "second": np.float32([second])}
    return model(nodes, {"x": (FLOAT, [4])}, {"y": (FLOAT, [4])}, constants)


def picture_net(seed: int = 0) -> onnx.ModelProto:
    """A frame, turned and normalised as the image stage does, and three convolutions; the last gives one channel."""
    rng = np.random.default_rng(seed)
    constants = {
        "starts": np.array([-1]), "ends": np.array([np.iinfo(np.int64).min]), "axes": np.array([3]), "steps": np.array([-1]),
        "mean": np.full((1, 3, 1, 1), 127.0, np.float32), "std": np.full((1, 3, 1, 1), 60.0, np.float32),
        "w1": rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32), "w2": rng.normal(0, 0.2, (8, 8, 3, 3)).astype(np.float32),
        "w3": rng.normal(0, 0.2, (1, 8, 1, 1)).astype(np.float32), "low": np.float32(0), "high": np.float32(6),
    }  # fmt: skip
    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Slice", ["frame", "starts", "ends", "axes", "steps"], ["rgb"], name="flip"),
        helper.make_node("Transpose", ["rgb"], ["planes"], name="turn", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["values"], name="to_float", to=FLOAT),
        helper.make_node("Sub", ["values", "mean"], ["centred"], name="centre"),
        helper.make_node("Div", ["centred", "std"], ["scaled"], name="scale"),
        helper.make_node("Conv", ["scaled", "w1"], ["a"], name="first", **pads),
        helper.make_node("Clip", ["a", "low", "high"], ["b"], name="clip"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="middle", **pads),
        helper.make_node("LeakyRelu", ["c"], ["d"], name="leaky", alpha=0.1),
        helper.make_node("Conv", ["d", "w3"], ["e"], name="last"),
        helper.make_node("Sigmoid", ["e"], ["seen"], name="probability"),
    ]
    return model(nodes, {"frame": (BYTES, [1, 16, 16, 3])}, {"seen": (FLOAT, [1, 1, 16, 16])}, constants)


def frames(count: int) -> list[dict[str, np.ndarray]]:
    """Feeds for `picture_net`: smooth pictures."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (count, 1, 4, 4, 3))
    return [{"frame": np.kron(picture, np.ones((1, 4, 4, 1))).astype(np.uint8)} for picture in coarse]
