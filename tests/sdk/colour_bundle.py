"""A tiny real bundle: its network finds things by colour, so that a test knows what each phrase must find.

The image stage pools, for each colour, how much of it is there; the text stage sums the words' one-hot rows; identify
multiplies the two at stride 16; mask multiplies them at full size, within reach of the chosen cell. Real ONNX, run by the
real runtime.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from isfp.bundle.bundle import write_manifest, writing
from isfp.steps.phrase import Vocabulary

HEIGHT = WIDTH = 64
GRID, WORDS, REACH = 4, 6, 1.6  # REACH: half-width of a mask around its cell's centre, in cells
COLOURS = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}  # B, G, R


def write_colour_bundle(path: Path) -> Path:
    """Write the bundle to `path`."""
    vocabulary = Vocabulary.from_words(["the", "thing", *COLOURS])
    with writing(path) as folder:
        vocabulary.save(folder / "words.txt")
        (folder / "MODEL_CARD.md").write_text("# Colour\n\nFinds red, green and blue things. For tests.\n")
        stages = {}
        for name, model in _models(vocabulary).items():
            onnx.checker.check_model(model)
            (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
            stages[name] = {
                "file": f"{name}.onnx",
                "inputs": [_describe(value) for value in model.graph.input],
                "outputs": [_describe(value) for value in model.graph.output],
            }
        write_manifest(folder, {**manifest_fields(), "stages": stages})
    return path


def manifest_fields() -> dict:
    """Return the manifest's fields but for the stages."""
    return {
        "name": "colour",
        "created": "2026-01-01T00:00:00Z",
        "preprocessing": {"height": HEIGHT, "width": WIDTH, "channels": "bgr", "fill": 128},
        "text": {"max_words": WORDS, "noun_required": False},  # it finds "red" by that word alone
        "grid": GRID,
        "threshold": {"found": 0.5, "mask": 0.5, "how": "by construction"},
        "network": {"kind": "colour"},
        "weights": {"checkpoint": "none", "data": "none", "license": "Apache-2.0"},
    }


def picture(*things: tuple[str, tuple[int, int, int, int]], size: tuple[int, int] = (96, 128), background: int = 90) -> np.ndarray:
    """Draw boxes (x1, y1, x2, y2) of the named colours on grey: uint8 `[h,w,3]`."""
    frame = np.full((*size, 3), background, np.uint8)
    for colour, (x1, y1, x2, y2) in things:
        frame[y1:y2, x1:x2] = COLOURS[colour]
    return frame


def _models(vocabulary: Vocabulary) -> dict[str, onnx.ModelProto]:
    f32, i32, u8 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.UINT8
    count = len(COLOURS)
    # Row c of the 1x1 convolution is +1 on colour c's own channel and -1 on the others, of values in 0..1.
    own = {"red": 2, "green": 1, "blue": 0}
    mix = -np.ones((count, 3, 1, 1), np.float32)
    rows = np.zeros((len(vocabulary), count), np.float32)
    for index, colour in enumerate(COLOURS):
        mix[index, own[colour]] = 1
        rows[vocabulary.words.index(colour), index] = 1

    def info(name: str, kind: int, *shape: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    frame = info("frame", u8, 1, HEIGHT, WIDTH, 3)
    visual = [
        info(f"visual_{name}", f32, 1, count, HEIGHT // stride, WIDTH // stride)
        for name, stride in (("large", 8), ("medium", 16), ("small", 32))
    ]
    phrases = info("phrases", f32, "P", count)
    node = helper.make_node

    image = [
        node("Cast", ["frame"], ["float"], to=f32),
        node("Div", ["float", "white"], ["unit"]),
        node("Transpose", ["unit"], ["planes"], perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "mix"], ["colours"]),
        *(
            node("AveragePool", ["colours"], [f"visual_{name}"], kernel_shape=[stride] * 2, strides=[stride] * 2)
            for name, stride in (("large", 8), ("medium", 16), ("small", 32))
        ),
    ]
    text = [  # the sum of the words' rows; lengths must be used, so it scales by lengths / lengths
        node("Gather", ["rows", "words"], ["each"], axis=0),
        node("ReduceSum", ["each", "axis1"], ["sum"], keepdims=0),
        node("Cast", ["lengths"], ["long"], to=f32),
        node("Div", ["long", "long"], ["one"]),
        node("Unsqueeze", ["one", "axis1"], ["column"]),
        node("Mul", ["sum", "column"], ["phrases"]),
    ]
    # identifying[p] = sigmoid(20 * (sum over colours of phrases[p] * visual_medium) - 6)
    product = [
        node("Reshape", ["visual_medium", "flat"], ["cellvalues"]),
        node("MatMul", ["phrases", "cellvalues"], ["match"]),
    ]
    identify = [
        *product,
        node("Mul", ["match", "gain"], ["gained"]),
        node("Sub", ["gained", "bias"], ["logits"]),
        node("Sigmoid", ["logits"], ["probabilities"]),
        node("Reshape", ["probabilities", "grid"], ["map"]),
        # The two other levels are inputs of the contract; they change nothing here.
        *_unused("map", "identifying", ["visual_large", "visual_small"]),
    ]
    # masks[p,k] = 20 * match at full size - 6, and -6 outside the reach of the chosen cell
    centres = (np.arange(GRID) + 0.5) * HEIGHT / GRID
    pixels = np.arange(HEIGHT) + 0.5
    near = np.abs(pixels[None] - centres[:, None]) <= REACH * HEIGHT / GRID
    windows = (near[:, None, :, None] & near[None, :, None, :]).reshape(GRID * GRID, HEIGHT, WIDTH)
    mask = [
        node("Cast", ["frame"], ["float"], to=f32),
        node("Div", ["float", "white"], ["unit"]),
        node("Transpose", ["unit"], ["planes"], perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "mix"], ["colours"]),
        node("Reshape", ["colours", "flat"], ["pixels"]),
        node("MatMul", ["phrases", "pixels"], ["match"]),
        node("Reshape", ["match", "full"], ["matches"]),
        node("Gather", ["windows", "cells"], ["window"], axis=0),
        node("Mul", ["matches", "window"], ["inside"]),
        node("Mul", ["inside", "gain"], ["gained"]),
        node("Sub", ["gained", "bias"], ["logits"]),
        *_unused("logits", "masks", ["visual_large", "visual_medium", "visual_small"]),
    ]
    constants = {
        "white": np.float32(255),
        "mix": mix,
        "rows": rows,
        "axis1": np.array([1], np.int64),
        "gain": np.float32(20),
        "bias": np.float32(6),
        "flat": np.array([count, -1], np.int64),
        "grid": np.array([-1, GRID, GRID], np.int64),
        "full": np.array([-1, 1, HEIGHT, WIDTH], np.int64),
        "windows": windows.astype(np.float32),
        "zero": np.float32(0),
    }
    return {
        "image": _model("image", image, [frame], visual, constants),
        "text": _model("text", text, [info("words", i32, "P", WORDS), info("lengths", i32, "P")], [phrases], constants),
        "identify": _model("identify", identify, [*visual, phrases], [info("identifying", f32, "P", GRID, GRID)], constants),
        "mask": _model(
            "mask",
            mask,
            [frame, *visual, phrases, info("cells", i32, "P", "K")],
            [info("masks", f32, "P", "K", HEIGHT, WIDTH)],
            constants,
        ),
    }


def _unused(value: str, output: str, inputs: list[str]) -> list[onnx.NodeProto]:
    """Add zero times the sum of each input, so that the graph keeps it."""
    nodes = []
    for name in inputs:
        nodes += [
            helper.make_node("ReduceSum", [name], [f"{name}_sum"], keepdims=0),
            helper.make_node("Mul", [f"{name}_sum", "zero"], [f"{name}_zero"]),
            helper.make_node("Add", [value, f"{name}_zero"], [f"{value}_{name}"]),
        ]
        value = f"{value}_{name}"
    return [*nodes, helper.make_node("Identity", [value], [output])]


def _model(name: str, nodes: list, inputs: list, outputs: list, constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    used = {value for node in nodes for value in node.input}
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items() if k in used]
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _describe(value: onnx.ValueInfoProto) -> dict:
    tensor = value.type.tensor_type
    kinds = {TensorProto.FLOAT: "float32", TensorProto.INT32: "int32", TensorProto.UINT8: "uint8"}
    shape = [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]
    return {"name": value.name, "dtype": kinds[tensor.elem_type], "shape": shape}
