"""A training run from a configuration to checkpoints, resumable at every epoch."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader

from isfp.phrase import Vocabulary
from isfp_train import checkpoint
from isfp_train.config import TrainConfig
from isfp_train.curve import draw_curve
from isfp_train.data.glove import build_vocabulary, trained_ids
from isfp_train.data.phrase_words import phrase_words
from isfp_train.data.prepare import prepare
from isfp_train.data.sources import scene_sources
from isfp_train.data.store import Store
from isfp_train.data.stream import SceneSamples, collate
from isfp_train.errors import ConfigurationError, RunExistsError
from isfp_train.module import ReferringModule
from isfp_train.network import ISFP
from isfp_train.network.backbone import Backbone

VALIDATION_SEED = 900_000_000  # far from every training seed


class SceneData(lightning.LightningDataModule):
    """Stores of training and validation scenes, and the samples of each epoch."""

    def __init__(self, config: TrainConfig, vocabulary: Vocabulary, data: Path | None, cache: Path, workers: int) -> None:
        super().__init__()
        self.config, self.vocabulary, self.data, self.cache, self.workers = config, vocabulary, data, cache, workers

    def prepare_data(self) -> None:
        """Make the scenes that are not there yet."""
        network, data = self.config.network, self.config.data
        backbone = None
        if self.config.optimisation.freeze_backbone:
            backbone = Backbone(network.backbone).eval()
            backbone.load_pretrained(data.backbone_weights)
        for folder, split, count, seed in (
            ("validation", "held_out", data.validation_scenes, VALIDATION_SEED),
            ("train", "train", data.scenes, self.config.seed * 10_000_000),
        ):
            sources = scene_sources(data.shares, self.data, network.image_size, split)
            prepare(self.cache / folder, sources, count, seed, network.image_size, backbone, self.workers)

    def setup(self, stage: str) -> None:
        """Map the stores."""
        self.train_store, self.validation_store = Store(self.cache / "train"), Store(self.cache / "validation")

    def train_dataloader(self) -> DataLoader:
        """Samples of the current epoch; rebuilt for each, so that they depend on seed and epoch alone."""
        assert self.trainer is not None
        settings = self.config.optimisation
        samples = self._samples(self.train_store, self.config.seed, self.trainer.current_epoch, settings.epoch_scenes)
        return DataLoader(
            samples, settings.batch_scenes, collate_fn=collate, num_workers=self.workers, pin_memory=torch.cuda.is_available()
        )

    def val_dataloader(self) -> DataLoader:
        """The same samples every time."""
        samples = self._samples(self.validation_store, 12345, 0, len(self.validation_store))
        return DataLoader(samples, self.config.optimisation.batch_scenes, collate_fn=collate)

    def _samples(self, store: Store, seed: int, epoch: int, length: int) -> SceneSamples:
        network = self.config.network
        return SceneSamples(store, self.vocabulary, self.config.samples, network.grid, network.max_words, seed, epoch, length)


def train(
    config: TrainConfig,
    run: Path,
    data: Path | None = None,
    cache: Path | None = None,
    resume: bool = False,
    weights: Path | None = None,
    workers: int = 0,
    progress: bool = True,
) -> Path:
    """Train, and return the last checkpoint.

    Args:
        config: the run.
        run: folder for checkpoints and logs.
        data: folder with `sprites/`, `coco_train/` and `backgrounds/`; none is needed for procedural scenes.
        cache: folder for scenes and maps; `<run>/cache` where none is given.
        resume: go on from the run's last checkpoint, if there is one.
        weights: start from this checkpoint's network, for instance to fine-tune it; words that both vocabularies have keep
            their trained vectors.
        workers: loader processes; 0 loads in this one.
        progress: show a bar.

    Raises:
        RunExistsError: the run has checkpoints already and `resume` is False.
    """
    last = run / "checkpoints" / "last.ckpt"
    if last.exists() and not resume:
        raise RunExistsError(f"{run} holds a run already. Go on with it by --resume, or give another --run folder.")
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    lightning.seed_everything(config.seed, verbose=False)
    vocabulary, vectors, lacking = build_vocabulary(config.data.glove, config.data.vocabulary, phrase_words())
    module = ReferringModule(config, list(vocabulary.words), trained_ids(vocabulary, lacking))
    module.network.encoder.words.load(torch.from_numpy(np.ascontiguousarray(vectors)))
    if config.optimisation.freeze_backbone or config.network.backbone != "darknet53" or config.data.backbone_weights:
        module.network.backbone.load_pretrained(config.data.backbone_weights)
    if weights is not None:
        start_from(module.network, vocabulary, checkpoint.load(weights))

    settings = config.optimisation
    trainer = lightning.Trainer(
        max_epochs=settings.epochs,
        gradient_clip_val=settings.clip,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        enable_progress_bar=progress,
        enable_model_summary=False,
        default_root_dir=run,
        logger=[CSVLogger(run, name="csv"), TensorBoardLogger(run, name="tensorboard")],  # a resumed run adds a version
        callbacks=[
            ModelCheckpoint(run / "checkpoints", filename="best", monitor="val/mIoU", mode="max", enable_version_counter=False),
            ModelCheckpoint(run / "checkpoints", filename="last", enable_version_counter=False),
            LearningRateMonitor("step"),
            *([RichProgressBar()] if progress else []),
        ],
    )
    scenes = SceneData(config, vocabulary, data, cache or run / "cache", workers)
    trainer.fit(module, scenes, ckpt_path=str(last) if resume and last.exists() else None)
    draw_curve(run, run / "curve.png")
    return last


def start_from(network: ISFP, vocabulary: Vocabulary, loaded: checkpoint.Loaded) -> None:
    """Copy a trained network's weights into a new one; the word vectors by word.

    Raises:
        ConfigurationError: a part has another shape; the message names it.
    """
    state, trained = network.state_dict(), loaded.network.state_dict()
    for name, value in trained.items():
        if name.startswith("encoder.words.") or name not in state:
            continue
        if state[name].shape != value.shape:
            raise ConfigurationError(
                f"{name} is {list(value.shape)} in the checkpoint and {list(state[name].shape)} in this configuration; "
                "give the checkpoint's own network settings."
            )
        state[name].copy_(value)
    old = loaded.network.encoder.words.table()
    rows = {word: row for row, word in enumerate(loaded.vocabulary.words)}
    with torch.no_grad():
        for place, word in enumerate(network.encoder.words.trained_ids.tolist()):
            row = rows.get(vocabulary.words[word])
            if row is not None:
                network.encoder.words.trained[place] = old[row]
