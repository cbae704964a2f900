"""A run so small that a test can train it: the real network, data and loop."""

from __future__ import annotations

from isfp_train.run.config import TrainConfig

TINY = {
    "name": "tiny",
    "seed": 3,
    "network": {
        "base": "edge", "image_size": 64, "grid": 5, "text_channels": 16, "fused_channels": 16, "pathway_channels": 16,
        "instance_channels": 8, "mask_channels": 16, "aspp_channels": 8, "segmentation_language": "early",
    },
    "losses": {"w_seg": 2.0, "w_ref": 1.0, "dice": 0.5, "segmentation_reduction": "mean", "theta": 0.0},
    "samples": {"phrases": 3, "masks": 1},
    "data": {"shares": {"procedural": 1.0}, "scenes": 12, "validation_scenes": 4, "vocabulary": 200},
    "optimisation": {"batch_scenes": 4, "epochs": 2, "epoch_scenes": 8, "warm_up": 2},
}  # fmt: skip


def tiny(**optimisation: object) -> TrainConfig:
    """The tiny run, with changes to its optimisation."""
    return TrainConfig.from_dict({**TINY, "optimisation": {**TINY["optimisation"], **optimisation}})
