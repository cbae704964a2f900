"""What is exported is the network in use: what only training needs leaves nothing in it."""

import pytest
import torch

from isfp_export.onnx.stages import stages
from isfp_export.onnx.to_onnx import stage_to_onnx
from isfp_train.network import ISFP, NetworkConfig

NETWORK = {
    "base": "edge", "image_size": 64, "grid": 5, "max_words": 6, "word_channels": 8, "text_channels": 12, "fused_channels": 16,
    "pathway_channels": 16, "instance_channels": 8, "mask_channels": 12, "aspp_channels": 8,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("stage", [1, 2], ids=["text", "identify"])
def test_channels_left_out_in_training_leave_no_node(stage: int) -> None:
    exported = []
    for share in (0.0, 0.5):
        torch.manual_seed(0)
        config = NetworkConfig.from_dict({**NETWORK, "dropout": share})
        exported.append(stage_to_onnx(stages(ISFP(config, words=30).eval())[stage], config).SerializeToString())
    assert exported[0] == exported[1]
