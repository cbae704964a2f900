"""RefCOCO's recipe runs: a tiny network is trained on a dataset in REFER's layout and measured on its splits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from isfp_train.data.refcoco.layout import DATASETS
from isfp_train.data.refcoco.refcoco import RefCoco
from isfp_train.data.refcoco.writer import write_refcoco
from isfp_train.errors import ConfigurationError
from isfp_train.run import checkpoint
from isfp_train.run.config import TrainConfig
from isfp_train.run.runner import train
from tests.paths import ROOT
from tests.train.data.refcoco.test_refcoco import made
from tests.train.tiny import tiny

CONFIGS = ROOT / "configs"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refcoco")
    for name in ("refcoco", "grefcoco"):
        write_refcoco(name, root, made())
    return root


def config(name: str, frozen: bool) -> TrainConfig:
    base = tiny(epochs=1, freeze_backbone=frozen, batch_scenes=2, epoch_scenes=8)
    return replace(base, data=replace(base.data, refcoco=name))


def test_recipes_are_the_papers() -> None:
    found = {}
    for path in sorted(CONFIGS.glob("refcoco*.yaml")):
        loaded = TrainConfig.load(path)
        found[loaded.data.refcoco] = loaded
        settings, losses = loaded.optimisation, loaded.losses
        assert (loaded.network.image_size, settings.batch_scenes, settings.learning_rate, settings.epochs) == (416, 12, 1e-3, 55)
        assert (losses.w_ide, losses.w_seg, losses.w_ref, losses.theta) == (10, 0.03, 0.5, 0.3)
        assert settings.epoch_scenes % settings.batch_scenes == 0
        for line in path.read_text().splitlines():
            if line.startswith("  ") and ":" in line:
                assert any(tag in line.split("#")[-1] for tag in ("paper", "prior work", "ours")), line
    assert set(found) == {"refcoco", "refcoco+", "refcocog"} <= set(DATASETS)


def test_run_on_refcoco_needs_a_folder() -> None:
    with pytest.raises(ConfigurationError, match="--data"):
        train(config("refcoco", True), Path("nowhere"), progress=False)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "frozen"), [("refcoco", True), ("grefcoco", False)])
def test_train_and_measure(name: str, frozen: bool, root: Path, tmp_path: Path) -> None:
    from isfp_train.cli import evaluate

    last = train(config(name, frozen), tmp_path, data=root, progress=False)
    loaded = checkpoint.load(last)
    assert RefCoco(name, root).words() <= set(loaded.vocabulary.words)
    assert (tmp_path / "cache" / "train").is_dir()
    assert bool(list((tmp_path / "cache").rglob("map0.npy"))) == frozen

    import typer

    app = typer.Typer()
    app.command()(evaluate)
    result = CliRunner().invoke(app, [str(last), "--data", f"{name}={root}", "--split", "testA", "--json"])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["dataset"], content["split"], content["scenes"]) == (name, "testA", 1)
    texts = [text for ref in RefCoco(name, root).refs if ref.split == "testA" for text in ref.texts]
    nothing = [text for ref in RefCoco(name, root).refs if ref.split == "testA" and not ref.annotations for text in ref.texts]
    shown = content["report"]["all"]
    assert shown["count"] == len(texts) - len(nothing)
    assert shown.get("absent count", 0) == len(nothing)
