"""A configuration says which network it is based on, and a file may state only what differs from another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isfp_train.errors import ConfigurationError, DataMissingError
from isfp_train.network import NetworkConfig
from isfp_train.run import checkpoint
from isfp_train.run.config import TrainConfig
from tests.paths import ROOT

CONFIGS = ROOT / "configs"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "own.yaml"


def test_configuration_files_load_and_unknown_settings_are_named(tmp_path: Path) -> None:
    for path in sorted((ROOT / "configs").rglob("*.yaml")):
        config = TrainConfig.load(path)
        assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    (tmp_path / "wrong.yaml").write_text("network: {base: edge}\noptimisation: {batch: 3}")
    with pytest.raises(ValueError, match="batch"):
        TrainConfig.load(tmp_path / "wrong.yaml")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"network": {"base": "edge", "identification": "fmp"}}, "identification"),
        ({"network": {"base": "edge", "activation": "Tanh"}}, "activation"),
        ({"losses": {"segmentation_reduction": "summ"}}, "segmentation_reduction"),
        ({"optimisation": {"learning_rate": "1e-3"}}, "write 0.001"),
        ({"optimisation": {"epochs": 2.5}}, "epochs"),
        ({"optimisation": {"freeze_backbone": "no"}}, "freeze_backbone"),
        ({"optimisation": {"train_detector": True}}, "train_detector is set, but the backbone is efficientnet_lite0"),
        ({"optimisation": {"train_lite": True}}, "train_lite is set, but the backbone is efficientnet_lite0"),
        ({"network": {"base": "edge", "identification": "none"}, "optimisation": {"parts": "masks"}}, "parts is masks"),
        ({"network": {"base": "edge", "conditional_boxes": True}}, "conditional_masks is 0"),
        ({"network": {"base": "edge", "cell_tower": 2}}, "cell_tower is 2, but neither"),
        (
            {"network": {"base": "edge", "conditional_masks": 4, "conditional_pixels": 8, "mask_detail": 3}},
            "conditional_pixels is set and mask_detail is 3",
        ),
        ({"samples": {"cells": 4}}, "cells is 4; expected 1, 3, 5, 7 or 9"),
        ({"network": []}, "settings by name"),
        ({"seed": 70}, "seed is 70"),
    ],
    ids=str,
)
def test_wrong_settings_are_named_never_guessed(values: dict, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        TrainConfig.from_dict({"network": {"base": "edge"}, **values})


@pytest.mark.parametrize(
    "text",
    ["name: own", "network: {grid: 9}", "network: {}", "network: {base: big}", "network: {base: [edge]}"],
    ids=["no network", "no base", "nothing", "unknown base", "no text"],
)
def test_a_network_without_a_known_base_is_refused_and_the_choices_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="edge, paper"):
        TrainConfig.load(write(tmp_path, own=text))


def test_only_what_is_given_beside_the_base_differs_from_it(tmp_path: Path) -> None:
    for name, base in (("edge", NetworkConfig.edge()), ("paper", NetworkConfig.paper())):
        network = TrainConfig.load(write(tmp_path, own=f"network: {{base: {name}, grid: 7}}")).network
        assert {**network.to_dict(), "grid": 13} == base.to_dict()
        assert network.grid == 7


def test_the_shipped_checkpoint_and_manifest_hold_a_network_without_a_base() -> None:
    fields = json.loads((ROOT / "models" / "edge.isfp" / "manifest.json").read_text(encoding="utf-8"))["network"]
    assert "base" not in fields
    network = NetworkConfig.from_dict(fields)
    assert network == checkpoint.load(ROOT / "models" / "edge.pt").config.network
    assert {name: value for name, value in network.to_dict().items() if name in fields} == {
        **fields,
        "aspp_rates": tuple(fields["aspp_rates"]),
        "refinement_channels": tuple(fields["refinement_channels"]),
    }


def test_a_file_takes_over_every_setting_of_the_file_that_it_extends(tmp_path: Path) -> None:
    first = "seed: 2\nnetwork: {base: edge, grid: 9}\nlosses: {choice: 2.0, dice: 0.5}\ndata: {shares: {composed: 1.0}, scenes: 5}"
    second = "extends: first.yaml\nname: second\nlosses: {choice: 3.0}\ndata: {shares: {procedural: 1.0}}"
    config = TrainConfig.load(write(tmp_path, first=first, second=second, own="extends: second.yaml\nseed: 4"))
    assert (config.name, config.seed, config.network.grid) == ("second", 4, 9)
    assert (config.losses.choice, config.losses.dice) == (3.0, 0.5)
    assert (config.data.shares, config.data.scenes) == ({"procedural": 1.0}, 5)  # a setting is replaced as a whole


def test_a_base_of_its_own_replaces_the_network_of_the_file_that_it_extends(tmp_path: Path) -> None:
    config = TrainConfig.load(
        write(tmp_path, first="network: {base: edge, grid: 9}", own="extends: first.yaml\nnetwork: {base: paper}")
    )
    assert config.network == NetworkConfig.paper()


def test_a_file_that_extends_another_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deeper").mkdir()
    write(tmp_path, first="network: {base: edge}")
    own = write(tmp_path / "deeper", own="extends: ../first.yaml")
    monkeypatch.chdir("/")
    assert TrainConfig.load(own).network == NetworkConfig.edge()


def test_what_cannot_be_extended_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"extends itself, by way of .*other\.yaml"):
        TrainConfig.load(write(tmp_path, own="extends: other.yaml", other="extends: own.yaml"))
    with pytest.raises(DataMissingError, match=r"none\.yaml, which .*own\.yaml extends"):
        TrainConfig.load(write(tmp_path, own="extends: none.yaml"))
    with pytest.raises(ConfigurationError, match="expected the path of one"):
        TrainConfig.load(write(tmp_path, own="extends: [a.yaml, b.yaml]"))


def test_every_published_run_says_how_its_refinement_is_built() -> None:
    guided = {path.stem: TrainConfig.load(path).network.refinement_guided for path in CONFIGS.glob("edge*.yaml")}
    assert {name for name, value in guided.items() if not value} == {"edge", "edge-2", "edge-3", "edge-4", "edge-5"}


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("network", "fused_channels", -1),
        ("network", "text_channels", 10**12),
        ("network", "aspp_rates", [1, 0]),
        ("network", "max_words", 0),
        ("network", "slope", 1.5),
        ("losses", "w_seg", -0.1),
        ("losses", "theta", 2),
        ("samples", "absent", 1.1),
        ("samples", "masks", 0),
        ("optimisation", "batch_scenes", 0),
        ("optimisation", "learning_rate", -0.001),
        ("optimisation", "epochs", -1),
    ],
)
def test_a_number_out_of_range_is_refused_before_anything_is_built(part, name, value):
    values = {"network": {"base": "edge"}}
    values.setdefault(part, {})[name] = value
    with pytest.raises(ConfigurationError, match=rf"{name} is .*; expected .* to "):
        TrainConfig.from_dict(values)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_everywhere(value):
    for part, name in (("network", "alpha"), ("losses", "dice"), ("samples", "flip"), ("optimisation", "clip")):
        values = {"network": {"base": "edge"}}
        values.setdefault(part, {})[name] = value
        with pytest.raises(ConfigurationError, match=f"{name} is .*; expected a finite number"):
            TrainConfig.from_dict(values)
