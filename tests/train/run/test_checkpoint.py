"""Checkpoints that were written by earlier versions still load."""

from __future__ import annotations

from pathlib import Path

import torch

from isfp_train.network import ISFP
from isfp_train.run import checkpoint
from tests.paths import ROOT
from tests.train.tiny import tiny

SHIPPED = ROOT / "models" / "edge.pt"
WORDS = ["<pad>", "<unknown>", "cup"]


def test_the_shipped_weights_load() -> None:
    loaded = checkpoint.load(SHIPPED)
    assert loaded.config.network.refinement_guided
    assert loaded.config.data.refcoco is None
    assert loaded.step > 0


def test_a_checkpoint_with_the_earlier_name_of_a_setting_loads(tmp_path: Path) -> None:
    config = tiny().to_dict()
    config["data"] = {"refer" if name == "refcoco" else name: value for name, value in config["data"].items()}
    config["data"]["refer"] = "refcoco+"
    network = ISFP(tiny().network, len(WORDS))
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    path = tmp_path / "old.ckpt"
    torch.save({"isfp": {"config": config, "words": WORDS, "trained_words": []}, "state_dict": state}, path)
    assert checkpoint.load(path).config.data.refcoco == "refcoco+"
