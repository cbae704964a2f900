"""In exported graphs, what depends on the frame alone is computed once, and never repeated for each phrase or mask."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from isfp.bundle.bundle import Bundle
from isfp_export.onnx.node_names import KEEP_PREFIX
from isfp_export.onnx.one_graph import one_graph
from isfp_export.onnx.stages import VISUAL, stages
from isfp_export.onnx.to_onnx import stage_to_onnx
from isfp_export.precision.convert import full
from isfp_train.network import ISFP, NetworkConfig

NETWORK = {
    "base": "edge", "image_size": 64, "grid": 5, "max_words": 6, "word_channels": 8, "text_channels": 12, "fused_channels": 16,
    "pathway_channels": 16, "instance_channels": 8, "mask_channels": 12, "aspp_channels": 8,
}  # fmt: skip
BOUNDED = {
    "mask_detail": 2, "dynamic_masks": True, "conditional_masks": 8, "conditional_boxes": True, "conditional_pixels": 8,
    "cell_tower": 2, "refinement_patches": True,
}  # fmt: skip
FRAME, PHRASE = {"frame", *VISUAL}, {"phrases", "cells"}
REPEATING = {"Expand", "Tile", "Gather"}  # operators that can give a value more rows


def dependencies(graph: onnx.GraphProto) -> dict[str, set[str]]:
    """The graph's inputs that each value depends on."""
    found = {value.name: {value.name} for value in graph.input}
    for node in graph.node:
        used = set().union(*(found.get(name, set()) for name in node.input))
        found.update(dict.fromkeys(node.output, used))
    return found


def repeated(graph: onnx.GraphProto) -> list[str]:
    """Nodes that repeat values of the frame alone for phrases or masks."""
    depends = dependencies(graph)
    return [
        node.name
        for node in graph.node
        if node.op_type in REPEATING and depends.get(node.input[0], set()) & FRAME and not depends[node.input[0]] & PHRASE
        if depends[node.output[0]] & PHRASE
    ]


@pytest.mark.slow
@pytest.mark.parametrize("patches", [False, True])
def test_nothing_of_the_frame_is_repeated_for_each_mask(patches: bool) -> None:
    torch.manual_seed(0)
    config = NetworkConfig.from_dict({**NETWORK, **(BOUNDED if patches else {})})
    graph = stage_to_onnx(stages(ISFP(config, words=30).eval())[-1], config).graph
    assert repeated(graph) == []
    depends = dependencies(graph)
    filtering = [node for node in graph.node if node.name.startswith(KEEP_PREFIX)]
    once = [node.op_type for node in filtering if not depends[node.output[0]] & PHRASE]
    # The picture is averaged at the mask's size and in windows. All quotients are its own: a mask is multiplied by them.
    assert once.count("AveragePool") == 2
    assert once.count("Div") == sum(node.op_type == "Div" for node in filtering) > 0
    assert not [node.name for node in graph.node if node.op_type == "BatchNormalization"]


@pytest.mark.slow
@torch.inference_mode()
def test_bounded_masks_of_several_phrases_and_cells_are_those_of_the_network() -> None:
    torch.manual_seed(0)
    config = NetworkConfig.from_dict({**NETWORK, **BOUNDED})
    network = ISFP(config, words=30).eval()
    torch.nn.init.normal_(network.segmentation.conditional.controller[2].weight, std=0.3)
    torch.nn.init.normal_(network.segmentation.conditional.boxes.head[2].weight, std=0.3)
    torch.nn.init.normal_(network.segmentation.tower[1][1].weight)
    model = stage_to_onnx(stages(network)[-1], config)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    frame = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)  # RGB
    visual, phrases, cells = network.image(frame), torch.randn(2, 16), torch.tensor([[0, 12, 24], [7, 7, 3]])
    values = (frame.flip(3), *visual, phrases, cells.int())
    feeds = {node.name: value.numpy() for node, value in zip(session.get_inputs(), values, strict=True)}
    (shown,) = session.run(None, feeds)
    torch.testing.assert_close(torch.from_numpy(shown), network.mask(frame, visual, phrases, cells), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_nothing_of_the_frame_is_repeated_for_each_phrase_of_find(exported: Path) -> None:
    bundle = Bundle.open(exported)
    assert repeated(one_graph(full(bundle), bundle.manifest.grid).graph) == []


def test_a_repeated_frame_is_found() -> None:
    frame = onnx.helper.make_tensor_value_info("frame", onnx.TensorProto.FLOAT, [1, 3])
    phrases = onnx.helper.make_tensor_value_info("phrases", onnx.TensorProto.FLOAT, ["P"])
    nodes = [
        onnx.helper.make_node("Relu", ["frame"], ["seen"], "see"),
        onnx.helper.make_node("Shape", ["phrases"], ["count"], "count"),
        onnx.helper.make_node("Concat", ["count", "three"], ["size"], "size", axis=0),
        onnx.helper.make_node("Expand", ["seen", "size"], ["rows"], "repeat"),
    ]
    assert repeated(onnx.helper.make_graph(nodes, "bad", [frame, phrases], [])) == ["repeat"]
