"""The scenes of a run: generated and stored once, then sampled again in every epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, Subset

from isfp.steps.phrase import Vocabulary
from isfp_train import seeds
from isfp_train.data.refcoco.refcoco import RefCoco, RefCocoScenes
from isfp_train.data.scenes.sources import scene_sources
from isfp_train.data.store.prepare import prepare
from isfp_train.data.store.store import Store
from isfp_train.data.store.stream import SampleConfig, SceneSamples, collate
from isfp_train.errors import ConfigurationError
from isfp_train.network.backbone import Backbone
from isfp_train.run.config import TrainConfig
from isfp_train.run.processes import Processes
from isfp_train.run.sharding import StepBatches


def prepare_stores(config: TrainConfig, data: Path | None, cache: Path, workers: int = 0, backbone: Backbone | None = None) -> None:
    """Generate the scenes that `cache` lacks, with the maps of a frozen backbone.

    The arguments are those of `runner.train`, and `backbone`: the network's own, which can differ from the pretrained one if a run
    starts from other weights; None for the pretrained one.
    """
    network, settings = config.network, config.data
    if not config.optimisation.stores_maps:
        backbone = None
    elif backbone is None:
        backbone = Backbone(network.backbone)
        backbone.load_pretrained(settings.backbone_weights)
    if backbone is not None:
        backbone.eval()
    if settings.refcoco is not None:
        refcoco = open_refcoco(settings.refcoco, data)
        for folder, split, most in (("validation", "val", settings.validation_scenes), ("train", "train", None)):
            scenes = RefCocoScenes(refcoco, split)
            count = len(scenes) if most is None else min(most, len(scenes))
            made_of: dict[str, Any] = {"refcoco": settings.refcoco, "split": split}
            prepare(cache / folder, [(scenes, 1.0)], count, 0, network.image_size, made_of, backbone, workers)
        return
    for folder, split, count, seed in (
        ("validation", "held_out", settings.validation_scenes, seeds.VALIDATION.start),
        ("train", "train", settings.scenes, seeds.training(config.scene_seed).start),
    ):
        for kind, (source, share) in scene_sources(settings.shares, data, network.image_size, split).items():
            made_of = {"kind": kind, "split": split}
            number = round(count * share)
            prepare(cache / folder / kind, [(source, 1.0)], number, seed, network.image_size, made_of, backbone, workers)


def open_refcoco(name: str, data: Path | None) -> RefCoco:
    """Open RefCOCO or a related data set.

    Raises:
        ConfigurationError: no folder is given.
        DataMissingError: files are missing; the message names them.
    """
    if data is None:
        raise ConfigurationError(
            f"The run uses {name}, but no data folder is given. Give --data FOLDER, the root of REFER's layout."
        )
    return RefCoco(name, data)


class SceneData(lightning.LightningDataModule):
    """The stores of training and validation scenes, and the samples of each epoch.

    Args:
        config: the run.
        vocabulary: gives the word ids.
        data: as in `runner.train`.
        cache: folder of the stores.
        workers: number of loader processes.
        processes: this training process among all; each computes its own part of every step.
        backbone: as in `prepare_stores`.
    """

    def __init__(
        self,
        config: TrainConfig,
        vocabulary: Vocabulary,
        data: Path | None,
        cache: Path,
        workers: int = 0,
        processes: Processes | None = None,
        backbone: Backbone | None = None,
    ) -> None:
        super().__init__()
        self.config, self.vocabulary, self.data, self.cache, self.workers = config, vocabulary, data, cache, workers
        self.processes = processes or Processes()
        self.backbone = backbone

    def prepare_data(self) -> None:
        """Generate missing scenes. On each node one process does this, and the others wait."""
        prepare_stores(self.config, self.data, self.cache, self.workers, self.backbone)

    def setup(self, stage: str) -> None:
        """Open the stores."""
        self.train_store, self.validation_store = Store(self.cache / "train"), Store(self.cache / "validation")

    def train_dataloader(self) -> DataLoader:
        """Samples of the current epoch, which depend only on its number and the seed."""
        assert self.trainer is not None
        settings = self.config.optimisation
        samples = self._samples(
            self.config.samples, self.train_store, self.config.seed, self.trainer.current_epoch, settings.epoch_scenes
        )
        batches = StepBatches(settings.epoch_scenes, settings.batch_scenes, self.processes, settings.accumulate)
        return DataLoader(
            samples,
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available(),
        )

    def val_dataloader(self) -> DataLoader:
        """Validation samples, the same in every epoch, with nothing changed at random: neither pictures nor words.

        Each process takes its own part, and no sample occurs twice.
        """
        settings, processes = self.config.optimisation, self.processes
        length = len(self.validation_store)
        if length < processes.count:
            raise ConfigurationError(
                f"There are {length} validation scenes for {processes.count} processes; each process needs at least one."
            )
        samples = self._samples(self.config.samples.unchanged(), self.validation_store, 12345, 0, length)
        own = Subset(samples, range(processes.rank, length, processes.count))
        return DataLoader(own, processes.share_of(settings.batch_scenes, settings.accumulate), collate_fn=collate)

    def _samples(self, samples: SampleConfig, store: Store, seed: int, epoch: int, length: int) -> SceneSamples:
        network = self.config.network
        return SceneSamples(store, self.vocabulary, samples, network.grid, network.max_words, seed, epoch, length)
