"""A training run, from a configuration to checkpoints. It can be resumed after every epoch."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from isfp.steps.phrase import Vocabulary, split_words
from isfp_train.data.scenes.sources import written_phrases
from isfp_train.data.vocabulary.glove import build_vocabulary, trained_ids
from isfp_train.data.vocabulary.object_words import object_words
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.errors import ConfigurationError, RunExistsError
from isfp_train.network import ISFP, NetworkConfig
from isfp_train.run import checkpoint
from isfp_train.run.checkpoint_file import LAST, PREVIOUS, RunCheckpoints, newest_sound
from isfp_train.run.config import TrainConfig
from isfp_train.run.curve import draw_curve
from isfp_train.run.module import ReferringModule
from isfp_train.run.processes import Processes
from isfp_train.run.scene_data import SceneData, open_refcoco

PRECISIONS: dict[str, Literal["32-true", "16-mixed", "bf16-mixed"]] = {
    "float32": "32-true",
    "float16": "16-mixed",
    "bfloat16": "bf16-mixed",
}


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

    Under `torchrun`, each process calls this with the same arguments. A step is the same for any number of processes.

    Args:
        config: the run.
        run: folder for checkpoints and logs.
        data: data folder (docs/training.md), or the root of REFER's layout for RefCOCO and related data sets; procedural scenes
            need none.
        cache: folder for scenes and maps; by default `<run>/cache`.
        resume: resume from the run's last checkpoint, if there is one.
        weights: checkpoint to start from, for instance for fine-tuning; words that both vocabularies contain keep their trained
            vectors.
        workers: number of loader processes; 0 loads in the main process.
        progress: show a progress bar.

    Raises:
        RunExistsError: the run has checkpoints already and `resume` is False.
        CheckpointError: the run has checkpoints, and none can be read.
    """
    last = run / "checkpoints" / LAST
    if (last.exists() or last.with_name(PREVIOUS).exists()) and not resume:
        raise RunExistsError(f"{run} holds a run already. Go on with it by --resume, or give another --run folder.")
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's own use of PyTorch
    start, unreadable = newest_sound(last.parent) if resume else (None, [])
    for reason in unreadable:
        rank_zero_warn(f"{reason} Going on from {start}, the one before.")
    lightning.seed_everything(config.seed, verbose=False)
    processes = Processes.of_torchrun()
    module, vocabulary = build_module(config, data)
    if weights is not None:
        start_from(module.network, vocabulary, checkpoint.load(weights), config.optimisation.parts)
    scenes = SceneData(config, vocabulary, data, cache or run / "cache", workers, processes, module.network.backbone)
    trainer = build_trainer(config, run, processes, progress)
    trainer.fit(module, scenes, ckpt_path=str(start) if start else None)
    if processes.rank == 0:
        draw_curve(run, run / "curve.png")
    return last


def build_module(config: TrainConfig, data: Path | None = None) -> tuple[ReferringModule, Vocabulary]:
    """Build a network and its vocabulary as they are at the start of a run: with GloVe vectors and a pretrained backbone."""
    words = phrase_words() if config.data.refcoco is None else open_refcoco(config.data.refcoco, data).words()
    if config.data.shares.get("annotated") and data is not None:
        words |= {word for phrases in written_phrases(data).values() for phrase in phrases for word in split_words(phrase.text)}
    vocabulary, vectors, lacking = build_vocabulary(config.data.glove, config.data.vocabulary, words, object_words())
    if lacking:
        rank_zero_warn(f"GloVe has no vectors for {len(lacking)} words of the phrases, so these are trained: {' '.join(lacking)}")
    moved = words if config.data.trained_words == "phrases" else lacking
    module = ReferringModule(config, list(vocabulary.words), trained_ids(vocabulary, moved))
    module.network.encoder.words.load(torch.from_numpy(np.ascontiguousarray(vectors)))
    if config.optimisation.freeze_backbone or config.network.backbone != "darknet53" or config.data.backbone_weights:
        module.network.backbone.load_pretrained(config.data.backbone_weights)
    return module, vocabulary


def build_trainer(config: TrainConfig, run: Path, processes: Processes, progress: bool) -> lightning.Trainer:
    """Build the training loop. With several processes (torchrun), gradients are averaged and metrics are joined once per epoch.

    Raises:
        ConfigurationError: float16 without CUDA.
    """
    settings, cuda = config.optimisation, torch.cuda.is_available()
    if settings.precision == "float16" and not cuda:
        raise ConfigurationError(
            "optimisation.precision is float16, which needs CUDA, but there is none on this machine. Use float32."
        )
    several = processes.count > 1
    return lightning.Trainer(
        accelerator="cuda" if cuda else "cpu",
        devices=processes.local,
        num_nodes=processes.nodes,
        # A process whose scenes have no masks has no gradients for the mask branch in that step.
        strategy="ddp_find_unused_parameters_true" if several else "auto",
        sync_batchnorm=several and cuda,  # PyTorch has no synchronised batch norm for CPUs
        use_distributed_sampler=False,  # `StepBatches` distributes the samples
        precision=PRECISIONS[settings.precision],
        accumulate_grad_batches=settings.accumulate,
        max_epochs=settings.epochs,
        gradient_clip_val=settings.clip,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=min(20, math.ceil(settings.epoch_scenes / settings.batch_scenes)),
        enable_progress_bar=progress,
        enable_model_summary=False,
        default_root_dir=run,
        plugins=[RunCheckpoints()],
        logger=[CSVLogger(run, name="csv"), TensorBoardLogger(run, name="tensorboard")],  # a resumed run adds a version
        callbacks=[
            ModelCheckpoint(run / "checkpoints", filename="best", monitor="val/mIoU", mode="max", enable_version_counter=False),
            ModelCheckpoint(run / "checkpoints", filename="last", enable_version_counter=False),
            LearningRateMonitor("step"),
            *([RichProgressBar()] if progress else []),
        ],
    )


def start_from(network: ISFP, vocabulary: Vocabulary, loaded: checkpoint.LoadedCheckpoint, parts: str = "all") -> None:
    """Copy a trained network's weights into a new one, with word vectors matched by word. Warns about parts that only one has.

    Args:
        network: the new network, which is changed.
        vocabulary: its words.
        loaded: the trained network.
        parts: parts that will be trained. If the refinement is trained alone, it may differ from the trained one; it is then
            initialised again. So are conditional masks of other sizes, which add nothing to a mask at the start.

    Raises:
        ConfigurationError: a part has a different shape; the message names it.
    """
    state, trained = network.state_dict(), loaded.network.state_dict()
    if parts == "refinement" and _refinement_of(network.config) != _refinement_of(loaded.config.network):
        trained = {name: value for name, value in trained.items() if not name.startswith("refinement.")}
    if _conditional_of(network.config) != _conditional_of(loaded.config.network):
        trained = {name: value for name, value in trained.items() if not name.startswith("segmentation.conditional.")}
    # A backbone has its own pretrained weights, and hundreds of names, which are left out of the warning.
    new, dropped = (
        sorted(name for name in one if name not in other and not name.startswith("backbone."))
        for one, other in ((state, trained), (trained, state))
    )
    if new or dropped:
        warnings.warn(f"Not in the checkpoint, so initialised: {new}. Not in this network, so ignored: {dropped}.", stacklevel=2)
    for name, value in trained.items():
        if name.startswith("encoder.words.") or name not in state:
            continue
        if name.startswith("visual.levels.") and value.ndim == 4 and value.shape[1] < state[name].shape[1]:
            value = _with_more_inputs(value, state[name], 2 * network.config.coordinates)
        if name in _MASK_ROWS and state[name].shape != value.shape:
            value = _MASK_ROWS[name](value, network.config.mask_detail**2)
        if state[name].shape != value.shape:
            raise ConfigurationError(
                f"{name} is {list(value.shape)} in the checkpoint and {list(state[name].shape)} in this configuration; "
                "use the network settings of the checkpoint."
            )
        state[name].copy_(value)
    table, words = loaded.network.encoder.words.table().detach(), network.encoder.words
    rows = {word: row for row, word in enumerate(loaded.vocabulary.words)}
    vectors = words.table().detach().clone()
    for place, word in enumerate(vocabulary.words):
        if word in rows:
            vectors[place] = table[rows[word]]
    words.load(vectors)


def _refinement_of(config: NetworkConfig) -> tuple[object, ...]:
    return config.refinement_channels, config.refinement_guided, config.refinement_patches, config.refinement_small


def _conditional_of(config: NetworkConfig) -> tuple[object, ...]:
    return config.conditional_masks, config.conditional_boxes, config.conditional_pixels


def _with_more_inputs(kernel: Tensor, like: Tensor, coordinates: int) -> Tensor:
    """Extend a projection's kernel to a backbone with further channels, whose weights are 0 at the start."""
    grown = torch.zeros_like(like)
    old = kernel.shape[1] - coordinates
    grown[:, :old] = kernel[:, :old]
    grown[:, like.shape[1] - coordinates :] = kernel[:, old:]
    return grown


#: How the weights of mask channels with one point per place become those of several points, which start equal.
_MASK_ROWS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "segmentation.last.weight": lambda value, points: value.repeat_interleave(points, dim=0),
    "segmentation.last.bias": lambda value, points: value.repeat_interleave(points, dim=0),
    "segmentation.smooth": lambda value, points: value.repeat(1, points),
    "segmentation.dynamic.2.weight": lambda value, points: value.repeat(points, 1),
    "segmentation.dynamic.2.bias": lambda value, points: value.repeat(points),
}
