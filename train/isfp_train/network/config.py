"""What the network is built from. Every value is tagged with its source: `paper`, `prior work` (MCN, VLT) or `ours`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from isfp_train.errors import ConfigurationError
from isfp_train.settings import read_settings


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and switches of the network. The defaults are the paper's; `edge()` is the light published size."""

    backbone: Literal["darknet53", "efficientnet_lite0", "efficientnet_lite0+nanodet"] = "darknet53"  # paper
    image_size: int = 416  # paper; pixels, a multiple of 32
    grid: int = 13  # paper: S
    max_words: int = 15  # prior work: RefCOCO, RefCOCO+; 20 for RefCOCOg
    word_channels: int = 300  # paper: GloVe 840B
    text_channels: int = 1024  # prior work: C_l, the two GRU directions summed
    fused_channels: int = 1024  # prior work: C_f of Eq. 1
    pathway_channels: int = 512  # prior work: maps of the two pathways
    instance_channels: int = 512  # ours: C, of the ISFs and the FPM
    mask_channels: int = 512  # ours: the four convolutions of the Segmentation Branch
    aspp_channels: int = 256  # prior work
    aspp_rates: tuple[int, ...] = (6, 12, 18)  # prior work
    identification: Literal["fpm", "convolution", "none"] = "fpm"  # paper: Table I's rows
    refinement: bool = True  # paper: Table I's rows
    refinement_channels: tuple[int, int] = (32, 16)  # ours
    refinement_guided: bool = False  # ours: a guided filter before the refinement's convolutions
    refinement_patches: bool = False  # ours: the refinement reads 4×4 pixels as a few channels and gives 2×2 of them at half size
    mask_detail: int = 1  # ours: points a side that a place of the coarse mask is told apart into
    dynamic_masks: bool = False  # ours: a mask channel's weights depend on what stands at its cell too (CondInst, SOLOv2)
    segmentation_language: Literal["early", "late", "none"] = "early"  # paper: early; Section IV-E removes it; late is ours
    fusion_at_grid: bool = False  # ours: F_ide's levels meet the phrase at S×S, not at their own size; it costs a third
    identification_film: bool = (
        False  # prior work (FiLM): the phrase scales and shifts each convolution of the Identification Branch
    )
    coordinates: bool = False  # prior work: x and y beside f_v (CMSA, CMPC) and in both branches (SOLO)
    alpha: float = 0.5  # ours: the forget rate of Eq. 2
    activation: Literal["tanh", "leaky_relu"] = "tanh"  # ours: bounded, so the scan cannot overflow FP16
    slope: float = 0.1  # prior work: negative slope of every leaky ReLU

    def __post_init__(self) -> None:
        if self.image_size % 32:
            raise ConfigurationError(f"image_size is {self.image_size}; it must be a multiple of 32, the backbone's last stride")
        if self.grid < 2:
            raise ConfigurationError(f"grid is {self.grid}; it must be at least 2")

    @classmethod
    def edge(cls) -> NetworkConfig:
        """Build the light size for Jetson Nano-class devices and CPUs: a pretrained EfficientNet-Lite0 at 320."""
        return cls(
            backbone="efficientnet_lite0",
            image_size=320,
            max_words=20,
            word_channels=50,
            text_channels=256,
            fused_channels=256,
            pathway_channels=128,
            instance_channels=128,
            mask_channels=96,
            aspp_channels=64,
            refinement_guided=True,
            segmentation_language="late",
            coordinates=True,
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetworkConfig:
        """Build from plain values, as in a configuration file or a manifest.

        Raises:
            ConfigurationError: a name that no field has.
        """
        return read_settings(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` reads back."""
        return asdict(self)
