"""One optimiser step of the tiny run, its gradients and weights written to a file: run alone or by torchrun."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytorch_lightning as lightning
import torch
from torch import nn

from isfp_train.run.processes import Processes
from isfp_train.run.runner import build_module, build_trainer
from isfp_train.run.scene_data import SceneData
from tests.train.tiny import tiny

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Record(lightning.Callback):
    """Holds batch norms still, whose statistics would depend on the batch's parts, and keeps what the step did."""

    def __init__(self) -> None:
        self.gradients: dict[str, torch.Tensor] = {}
        self.scenes: list[list[int]] = []

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        for part in module.modules():
            if isinstance(part, NORMS):
                part.eval()

    def on_before_optimizer_step(self, trainer: lightning.Trainer, module: lightning.LightningModule, optimizer: object) -> None:
        self.gradients = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def main(out: Path, cache: Path, accumulate: int) -> None:
    lightning.seed_everything(0)
    config = tiny(epochs=1, batch_scenes=8, epoch_scenes=8, accumulate=accumulate, warm_up=1)
    processes = Processes.of_torchrun()
    module, vocabulary = build_module(config)
    data = SceneData(config, vocabulary, None, cache, processes=processes)
    trainer = build_trainer(config, out.with_suffix(f".run{accumulate}"), processes, progress=False)
    record = Record()
    trainer.callbacks.append(record)
    trainer.fit(module, data)
    if processes.rank == 0:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        torch.save({"gradients": record.gradients, "weights": module.state_dict(), "metrics": json.dumps(metrics)}, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
