"""Several processes, and several parts of a step, do what one process does in one go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from isfp_train.errors import ConfigurationError
from isfp_train.run.config import TrainConfig
from isfp_train.run.processes import Processes
from isfp_train.run.runner import build_trainer
from isfp_train.run.sharding import StepBatches
from tests.paths import ROOT
from tests.train.tiny import tiny


@pytest.mark.parametrize(("count", "accumulate"), [(1, 1), (2, 1), (1, 3), (2, 3), (4, 1)])
def test_processes_see_every_sample_once_in_the_steps_of_one(count: int, accumulate: int) -> None:
    parts = [list(StepBatches(48, 12, Processes(rank, count, count), accumulate)) for rank in range(count)]
    for step in range(4):
        together = [n for part in parts for batch in part[step * accumulate : (step + 1) * accumulate] for n in batch]
        assert sorted(together) == list(range(step * 12, step * 12 + 12))
    assert {len(part) for part in parts} == {4 * accumulate} == {len(StepBatches(48, 12, Processes(0, count, count), accumulate))}


def test_one_process_may_end_with_a_smaller_batch() -> None:
    assert list(StepBatches(7, 3, Processes())) == [[0, 1, 2], [3, 4, 5], [6]]


def test_uneven_shares_are_refused_with_advice() -> None:
    with pytest.raises(ConfigurationError, match="multiple of 8"):
        StepBatches(48, 12, Processes(0, 4, 4), 2)
    with pytest.raises(ConfigurationError, match="such as 48"):
        StepBatches(50, 12, Processes(0, 2, 2))


def test_processes_are_read_from_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert Processes.of_torchrun() == Processes(0, 1, 1)
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "5", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert Processes.of_torchrun() == Processes(5, 8, 4)
    assert Processes.of_torchrun().nodes == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_float16_without_cuda_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CUDA"):
        build_trainer(tiny(precision="float16"), tmp_path, Processes(), progress=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="float16 needs CUDA")
def test_mixed_precision_trains_on_cuda(tmp_path: Path) -> None:
    from isfp_train.run.runner import train

    glove = tmp_path / "glove.txt"  # needs no package; words that it lacks start with random vectors
    config = tiny(epochs=1, precision="float16")
    vectors = np.random.default_rng(0).normal(0, 0.4, (3, config.network.word_channels))
    glove.write_text(
        "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(("the", "cup", "left"), vectors, strict=True))
    )
    config = replace(config, data=replace(config.data, glove=str(glove)))
    last = train(config, tmp_path / "run", progress=False)
    state = torch.load(last, weights_only=True)["state_dict"]
    assert all(torch.isfinite(value).all() for value in state.values())


def test_old_configurations_have_one_part_and_float32() -> None:
    settings = TrainConfig.from_dict({"network": {"base": "edge"}, "optimisation": {"batch_scenes": 3}}).optimisation
    assert (settings.accumulate, settings.precision) == (1, "float32")


def step(out: Path, cache: Path, processes: int, accumulate: int) -> dict:
    """Run `one_step.py` as a user would, and return what it wrote."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    arguments = [*torchrun, str(ROOT / "tests/train/run/one_step.py")] if torchrun else ["-m", "tests.train.run.one_step"]
    subprocess.run(
        [sys.executable, *arguments, str(out), str(cache), str(accumulate)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=240,
    )
    return torch.load(out, weights_only=True)


@pytest.mark.slow
def test_two_processes_and_two_parts_take_the_step_of_one(tmp_path: Path) -> None:
    """The same batch of eight scenes: at once; in two gloo processes; in two parts; in two processes with two parts each.

    Batch norms stand still: on a CPU their statistics are each process's own (PyTorch synchronises them on CUDA alone).
    """
    cache = tmp_path / "cache"
    whole = step(tmp_path / "whole.pt", cache, 1, 1)
    assert sum(float(gradient.abs().sum()) for gradient in whole["gradients"].values()) > 0
    for processes, accumulate in ((2, 1), (1, 2), (2, 2)):
        shared = step(tmp_path / f"{processes}-{accumulate}.pt", cache, processes, accumulate)
        assert shared["gradients"].keys() == whole["gradients"].keys()
        for name, gradient in whole["gradients"].items():
            other = shared["gradients"][name]
            torch.testing.assert_close(other, gradient, rtol=1e-4, atol=1e-8 + 1e-4 * float(gradient.abs().max()), msg=name)
            # Adam's first step is the gradient's sign, which rounding may turn where the gradient is next to nothing.
            sure = gradient.abs() > max(1e-3 * float(gradient.abs().max()), 1e-8)
            torch.testing.assert_close(shared["weights"][name][sure], whole["weights"][name][sure], rtol=0, atol=2e-5, msg=name)
        one, other_metrics = json.loads(whole["metrics"]), json.loads(shared["metrics"])
        for name in ("train/loss", "val/mIoU", "val/cell"):
            if name != "train/loss" or accumulate == 1:
                assert other_metrics[name] == pytest.approx(one[name], abs=1e-3 if name == "train/loss" else 0.5), name
