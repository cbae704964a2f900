"""A run can be killed anywhere and goes on to the same weights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from isfp_train.data.store.store import Store
from isfp_train.data.store.stream import Batch
from isfp_train.errors import ConfigurationError
from isfp_train.run import checkpoint
from isfp_train.run.config import TrainConfig
from isfp_train.run.curve import read_logs
from isfp_train.run.losses import identifying_loss
from isfp_train.run.module import ReferringModule
from isfp_train.run.runner import start_from, train
from tests.paths import ROOT
from tests.train.tiny import TINY, tiny

KILLED = """
import sys
from pathlib import Path
from isfp_train.run.runner import train
from tests.train.tiny import tiny
train(tiny(epochs=50), Path(sys.argv[1]), cache=Path(sys.argv[2]), progress=False)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    return train(tiny(epochs=4, schedule="steps"), tmp_path_factory.mktemp("run"), cache=cache, progress=False)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_weights(tmp_path: Path, cache: Path, finished: Path) -> None:
    last = tmp_path / "checkpoints" / "last.ckpt"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED.replace("epochs=50", "epochs=4, schedule='steps'"), str(tmp_path), str(cache)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    deadline = time.monotonic() + 120
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert last.exists(), "the run ended before its first checkpoint"
    assert torch.load(last, weights_only=True)["epoch"] < 3, "the run was over before the kill"

    again = train(tiny(epochs=4, schedule="steps"), tmp_path, cache=cache, resume=True, progress=False)
    for (name, one), other in zip(weights(again).items(), weights(finished).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.slow
def test_run_writes_losses_metrics_and_both_logs(finished: Path) -> None:
    run = finished.parents[1]
    header = (run / "csv" / "version_0" / "metrics.csv").read_text().splitlines()[0]
    for name in ("val/mIoU", "val/oIoU", "val/Pr@0.5", "val/Pr@0.9", "val/cell"):
        assert name in header
    assert list((run / "tensorboard").rglob("events*"))
    assert (run / "curve.png").stat().st_size > 10_000


@pytest.mark.slow
def test_run_is_not_overwritten_without_resume(finished: Path) -> None:
    with pytest.raises(FileExistsError, match="--resume"):
        train(tiny(), finished.parents[1], progress=False)


@pytest.mark.slow
def test_small_file_gives_the_same_network_within_fp16(tmp_path: Path, finished: Path) -> None:
    small = tmp_path / "tiny.pt"
    checkpoint.save_small(finished, small)
    assert small.stat().st_size < finished.stat().st_size / 10
    one, other = checkpoint.load(small), checkpoint.load(finished)
    assert (one.epoch, one.step, one.vocabulary.words) == (other.epoch, other.step, other.vocabulary.words)
    for (name, value), wanted in zip(one.network.state_dict().items(), other.network.state_dict().values(), strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-3, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.slow
def test_frozen_backbone_does_not_move(finished: Path) -> None:
    from isfp_train.network.backbone import Backbone

    fresh = Backbone("efficientnet_lite0")
    fresh.body.load_imagenet()
    trained = checkpoint.load(finished).network.backbone.state_dict()
    for name, value in fresh.state_dict().items():
        torch.testing.assert_close(trained[name], value)


@pytest.mark.slow
def test_stored_maps_are_those_of_the_backbone_that_the_run_starts_from(tmp_path: Path, cache: Path, finished: Path) -> None:
    """An earlier run may have trained it; maps of the pretrained one would not be those of the network that is exported."""
    content = torch.load(finished, weights_only=True)
    content["state_dict"]["network.backbone.body._conv_stem.weight"] *= 1.5
    torch.save(content, tmp_path / "other.ckpt")
    once = tiny(epochs=1)
    with pytest.raises(ConfigurationError, match="other scenes: maps is 'EfficientNetLite0 .*', expected 'EfficientNetLite0 "):
        train(once, tmp_path / "run", cache=cache, weights=tmp_path / "other.ckpt", progress=False)
    last = train(once, tmp_path / "run2", cache=tmp_path / "cache", weights=tmp_path / "other.ckpt", progress=False)
    stored = Store(tmp_path / "cache" / "train")[0]
    with torch.inference_mode():
        wanted = checkpoint.load(last).network.backbone(torch.tensor(stored.view)[None])
    for level, own in zip(stored.maps, wanted, strict=True):
        torch.testing.assert_close(torch.tensor(level).float(), own[0], rtol=2e-3, atol=2e-3)


def test_checkpoint_errors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="last.ckpt"):
        checkpoint.load(tmp_path / "none.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match="isfp train"):
        checkpoint.load(tmp_path / "other.ckpt")


@pytest.mark.parametrize("content", [b"name: caf\xe9", b"\xff\xfen\x00", b"[" * 3000, b"name: \x00"], ids=str)
def test_a_configuration_that_is_not_a_text_of_yaml_is_refused_as_such(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"wrong\.yaml is "):
        TrainConfig.load(tmp_path / "wrong.yaml")


def test_logs_of_a_resumed_run_are_read_as_one(tmp_path: Path) -> None:
    for version, rows in (("version_0", "5,10.0\n9,20.0\n"), ("version_1", "9,21.0\n14,30.0\n")):
        (tmp_path / "csv" / version).mkdir(parents=True)
        (tmp_path / "csv" / version / "metrics.csv").write_text("step,val/mIoU\n" + rows)
    assert read_logs(tmp_path)["val/mIoU"] == {5: 10.0, 9: 21.0, 14: 30.0}


def batch_of(module: ReferringModule, masked: int) -> Batch:
    """Two scenes of noise with three phrases each, of which the first so many have masks."""
    views = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        maps = module.network.backbone(views)
    masks = torch.zeros(masked, 64, 64, dtype=torch.bool)
    masks[:, 10:40, 20:50] = True
    centres = torch.full((6, 2), -1)
    centres[:masked] = 2
    return Batch(
        views, maps, torch.randint(2, 40, (6, 20)), torch.full((6,), 4), torch.tensor([0, 0, 0, 1, 1, 1]),
        centres, torch.zeros(0, 3, dtype=torch.long), torch.arange(masked), masks, torch.arange(masked),
    )  # fmt: skip


def test_every_object_that_a_phrase_fits_is_a_target_of_identification(monkeypatch: pytest.MonkeyPatch) -> None:
    targets: list[torch.Tensor] = []

    def loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        targets.append(target)
        return identifying_loss(logits, target)

    monkeypatch.setattr("isfp_train.run.module.identifying_loss", loss)
    module = ReferringModule(tiny(), [str(word) for word in range(40)], [2])
    batch = batch_of(module, masked=2)  # phrases 0 and 1 mean cell (2, 2), the others nothing
    batch = batch._replace(also=torch.tensor([[0, 0, 0], [0, 2, 3], [1, 4, 4]]))
    module.losses(batch)
    (target,) = targets
    assert target.unique().tolist() == [0, 1]
    assert {(0, 0), (1, 1), (2, 2), (3, 4), (1, 4)} <= {tuple(cell) for cell in target[0].nonzero().tolist()}
    assert not target[0, 0, 2:].any()
    assert {(1, 1), (3, 3), (4, 4), (3, 4)} <= {tuple(cell) for cell in target[1].nonzero().tolist()}
    assert not target[1, 0].any()
    assert not target[2:].any()


def test_part_of_a_batch_with_nothing_to_find_costs_identification_alone() -> None:
    """And still takes the whole way, so that no other process waits for its batch norms."""
    config = tiny()
    module = ReferringModule(config, [str(word) for word in range(40)], [2])
    batch = batch_of(module, masked=0)
    before = module.network.segmentation.body[0][1].num_batches_tracked.clone()
    parts = module.losses(batch)
    assert parts["identifying"] > 0
    assert parts["segmentation"] == parts["refinement"] == 0
    sum(parts.values()).backward()
    assert module.network.segmentation.last.weight.grad is not None
    assert module.network.segmentation.last.weight.grad.abs().sum() == 0
    assert module.network.segmentation.body[0][1].num_batches_tracked == before + 1


def test_masks_are_learnt_in_one_of_so_many_steps() -> None:
    module = ReferringModule(tiny(masks_every=3), [str(word) for word in range(40)], [2])
    batch = batch_of(module, masked=2)
    without, whole = module.losses(batch, with_masks=False), module.losses(batch)
    assert without["segmentation"] == without["refinement"] == 0
    assert whole["segmentation"] > 0
    without["identifying"].backward()
    assert module.network.segmentation.last.weight.grad is None
    with pytest.raises(ConfigurationError, match="masks_every is 0"):
        tiny(masks_every=0)


def test_a_refinement_trained_alone_moves_nothing_else() -> None:
    module = ReferringModule(tiny(parts="refinement"), [str(word) for word in range(40)], [2])
    module.train()
    module.on_train_epoch_start()
    before = {name: value.clone() for name, value in module.network.state_dict().items()}
    optimiser = torch.optim.SGD((p for p in module.parameters() if p.requires_grad), lr=0.1)
    for _ in range(2):  # its last layer starts at 0, so the first step moves that alone
        optimiser.zero_grad()
        parts = module.losses(batch_of(module, masked=3))
        assert parts["refinement"] > 0
        sum(parts.values()).backward()
        optimiser.step()
    moved = {name for name, value in module.network.state_dict().items() if not torch.equal(value, before[name])}
    assert {"refinement.sharpness", "refinement.at_quarter.0.weight", "refinement.at_full.weight"} <= moved
    assert all(name.startswith("refinement.") for name in moved)
    assert module.losses(batch_of(module, masked=0))["refinement"] == 0


@pytest.mark.parametrize(("boxes", "pixels"), [(False, 0), (True, 8)])
def test_masks_trained_alone_move_nothing_else(boxes: bool, pixels: int) -> None:
    config = TrainConfig.from_dict(
        {
            **TINY,
            "network": {**TINY["network"], "conditional_masks": 4, "conditional_boxes": boxes, "conditional_pixels": pixels},
            "losses": {"boxes": 1.0 if boxes else 0.0},
            "samples": {**TINY["samples"], "cells": 3 if boxes else 9},
            "optimisation": {**TINY["optimisation"], "parts": "masks"},
        }
    )
    module = ReferringModule(config, [str(word) for word in range(40)], [2])
    module.train()
    module.on_train_epoch_start()
    before = {name: value.clone() for name, value in module.network.state_dict().items()}
    optimiser = torch.optim.SGD((p for p in module.parameters() if p.requires_grad), lr=0.1)
    for _ in range(2):  # what a cell adds starts at 0, so the first step moves its last layer alone
        optimiser.zero_grad()
        parts = module.losses(batch_of(module, masked=3))
        assert parts["segmentation"] > 0
        assert parts["identifying"] == parts["refinement"] == 0
        sum(parts.values()).backward()
        optimiser.step()
    moved = {name for name, value in module.network.state_dict().items() if not torch.equal(value, before[name])}
    squeeze = "segmentation.conditional.points.squeeze.weight" if pixels else "segmentation.conditional.squeeze.weight"
    assert {"segmentation.last.weight", squeeze, "up.large.0.weight"} <= moved
    assert ("segmentation.conditional.boxes.head.2.weight" in moved) == boxes
    assert all(name.startswith(("segmentation.", "up.")) for name in moved)


@pytest.mark.parametrize(("step", "counts"), [(1, True), (-1, True), (2, False)])
def test_masks_learn_at_the_cell_that_would_be_chosen_where_it_is_right(
    step: int, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell beside the centre counts like the centre; one further away is another object's, and teaches nothing."""
    settings = {**TINY, "samples": {**TINY["samples"], "cells": 1}, "optimisation": {**TINY["optimisation"], "parts": "masks"}}
    torch.manual_seed(0)
    module = ReferringModule(TrainConfig.from_dict(settings), [str(word) for word in range(40)], [2]).eval()
    batch = batch_of(module, masked=3)
    batch = batch._replace(centres=torch.full_like(batch.centres, 2))
    grid, alone = module.config.network.grid, module.losses(batch)["segmentation"]
    monkeypatch.setattr(module, "_choose", lambda visual, phrases, scenes: torch.full((len(scenes), 1), 2 * grid + 2 + step))
    module.config = TrainConfig.from_dict({**settings, "losses": {**TINY["losses"], "chosen": 1.0}})
    both = module.losses(batch)["segmentation"]
    assert (both - alone).abs() > 1e-6 if counts else torch.isclose(both, alone)


def test_a_refinement_built_otherwise_starts_anew_where_it_is_trained_alone(tmp_path: Path, finished: Path) -> None:
    loaded = checkpoint.load(finished)
    assert loaded.network.config.refinement_guided
    plain = TrainConfig.from_dict({**TINY, "network": {**TINY["network"], "refinement_guided": False}})
    network = ReferringModule(plain, list(loaded.vocabulary.words), loaded.trained_words).network
    with pytest.warns(UserWarning, match="refinement"):
        start_from(network, loaded.vocabulary, loaded, "refinement")
    torch.testing.assert_close(network.segmentation.last.weight, loaded.network.segmentation.last.weight)
    assert network.refinement.at_full.weight.abs().sum() == 0
    with pytest.warns(UserWarning, match="sharpness"), pytest.raises(ConfigurationError, match="refinement.at_quarter"):
        start_from(network, loaded.vocabulary, loaded)


def test_training_a_refinement_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing would be trained"):
        TrainConfig.from_dict(
            {**TINY, "network": {**TINY["network"], "refinement": False}, "optimisation": {"parts": "refinement"}}
        )


def test_a_cosine_falls_over_its_own_epochs() -> None:
    """A run that stops early, for another to go on from its rate, says so in its configuration."""
    rates = []
    for settings in ({"epochs": 4, "decay_epochs": 8}, {"epochs": 4}):
        module = ReferringModule(tiny(warm_up=0, **settings), [str(word) for word in range(40)], [2])
        scheduler = module.configure_optimizers()["lr_scheduler"]["scheduler"]
        rates.append([scheduler.lr_lambdas[0](step) for step in (0, 4, 8)])
    assert rates[0] == pytest.approx([1, 0.5 * (1 + 0.5**0.5), 0.5])
    assert rates[1] == pytest.approx([1, 0.5, 0])


@pytest.mark.slow
def test_finished_run_resumed_is_left_as_it_is(cache: Path, finished: Path) -> None:
    before = weights(finished)
    train(tiny(epochs=4, schedule="steps"), finished.parents[1], cache=cache, resume=True, progress=False)
    for one, other in zip(before.values(), weights(finished).values(), strict=True):
        assert torch.equal(one, other)
