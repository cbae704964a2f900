"""Weights on disk: checkpoints of a run, and the small file that is shipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isfp.steps.phrase import Vocabulary
from isfp_train.errors import CheckpointError
from isfp_train.network import ISFP
from isfp_train.network.config import LITE_WITH_DETECTOR
from isfp_train.network.detector_backbone import LiteWithDetector
from isfp_train.network.efficientnet_lite import EfficientNetLite0
from isfp_train.run import checkpoint_file
from isfp_train.run.config import TrainConfig

RENAMED_DATA_SETTINGS = {"refer": "refcoco"}  # old name -> new name; earlier checkpoints have the old one


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A network, and how it was trained.

    Attributes:
        network: the network, in evaluation mode.
        vocabulary: its words.
        config: configuration of the run.
        trained_words: ids of the words whose vectors were trained.
        epoch: number of finished epochs.
        step: number of optimiser steps.
        packaged_backbone: whether the backbone, but for a detector in it, has the weights that its package has.
    """

    network: ISFP
    vocabulary: Vocabulary
    config: TrainConfig
    trained_words: list[int]
    epoch: int
    step: int
    packaged_backbone: bool = True

    @property
    def epoch_samples(self) -> int:
        """Number of phrases seen in training."""
        return self.epoch * self.config.optimisation.epoch_scenes * self.config.samples.phrases


def load(path: str | Path) -> LoadedCheckpoint:
    """Read a checkpoint of a run, or a file that `save_small` wrote.

    Raises:
        DataMissingError: the file does not exist.
        CheckpointError: the file is not a checkpoint of this project, is truncated or was changed.
    """
    content = checkpoint_file.read(path)
    if "isfp" not in content:
        raise CheckpointError(
            f"{path} does not contain an ISFP network (it has no entry 'isfp'); expected a checkpoint that `isfp train` wrote."
        )
    try:
        return _loaded(content)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} lacks data that its network needs: {what}. Use a checkpoint that `isfp train` wrote."
        ) from error


def _loaded(content: dict[str, Any]) -> LoadedCheckpoint:
    about = content["isfp"]
    config = TrainConfig.from_dict(_with_current_names(about["config"]))
    network = ISFP(config.network, len(about["words"]), about["trained_words"])
    state = {
        name.removeprefix("network."): value.float() if value.is_floating_point() else value
        for name, value in content["state_dict"].items()
        if name.startswith("network.")
    }
    packaged = _packaged(config.network.backbone)
    as_packaged = _as_packaged(config, state)
    if not any(name.startswith(packaged) for name in state):
        if isinstance(network.backbone.body, LiteWithDetector):
            network.backbone.body.lite.load_imagenet()
        else:
            network.backbone.load_pretrained(config.data.backbone_weights)
        state |= {name: value for name, value in network.state_dict().items() if name.startswith(packaged)}
    network.load_state_dict(state)
    return LoadedCheckpoint(
        network.eval(),
        Vocabulary(about["words"]),
        config,
        about["trained_words"],
        int(content.get("epoch", -1)) + 1,  # Lightning counts from 0
        int(content.get("global_step", 0)),
        as_packaged,
    )


def _with_current_names(config: dict[str, Any]) -> dict[str, Any]:
    data = {RENAMED_DATA_SETTINGS.get(name, name): value for name, value in config["data"].items()}
    return {**config, "data": data}


def save_small(source: str | Path, target: str | Path) -> None:
    """Write only the weights of a checkpoint, in FP16, without a backbone's weights that are still those of its package.

    Matrices and kernels are rounded to FP16, which changes a weight w by at most 2⁻¹¹ |w| or 3e-8, whichever is larger. Biases and
    batch norms stay float32. `load` returns float32 again.
    """
    content = checkpoint_file.read(source)
    config = TrainConfig.from_dict(_with_current_names(content["isfp"]["config"]))
    weights = {name: value for name, value in content["state_dict"].items() if name.startswith("network.")}
    if _as_packaged(config, {name.removeprefix("network."): value for name, value in weights.items()}):
        packaged = f"network.{_packaged(config.network.backbone)}"
        weights = {name: value for name, value in weights.items() if not name.startswith(packaged)}
    state = {name: value.half() if value.is_floating_point() and value.ndim > 1 else value for name, value in weights.items()}
    small = {"isfp": content["isfp"], "state_dict": state, "epoch": content["epoch"], "global_step": content["global_step"]}
    checkpoint_file.write(small, target)


def _as_packaged(config: TrainConfig, weights: dict[str, Tensor]) -> bool:
    """Whether a network's backbone has its package's weights, or none. The configuration cannot tell: an earlier run may have
    trained them.
    """
    if config.network.backbone == "darknet53":
        return config.optimisation.freeze_backbone  # its weights come from a file of the user's
    packaged = _packaged(config.network.backbone)
    own = {name.removeprefix(packaged): value for name, value in weights.items() if name.startswith(packaged)}
    if not own:
        return True
    published = EfficientNetLite0()
    published.load_imagenet()
    state = published.state_dict()
    return all(torch.equal(value, state[name.removeprefix("body.")]) for name, value in own.items())


def _packaged(backbone: str) -> str:
    """Prefix of a backbone's parameters that are published as a package: if frozen, they are read from there."""
    return "backbone.body.lite." if backbone == LITE_WITH_DETECTOR else "backbone."
