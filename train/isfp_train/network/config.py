"""What the network is built from. Every value is tagged with its source: `paper`, `prior work` (MCN, VLT) or `ours`."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any, Literal

from isfp_train.errors import ConfigurationError
from isfp_train.settings import check_range, read_settings


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Sizes and switches of the network.

    `paper()` and `edge()` are the two published sizes, and the bases of configuration files. A switch that was added after the
    first checkpoints has a default: what the network did before it existed.
    """

    backbone: Literal["darknet53", "efficientnet_lite0", "efficientnet_lite0+nanodet"]
    image_size: int  # pixels, a multiple of 32
    grid: int  # S
    max_words: int
    word_channels: int
    text_channels: int  # C_l, the two GRU directions summed
    fused_channels: int  # C_f of Eq. 1
    pathway_channels: int  # of the maps of the two pathways
    instance_channels: int  # C, of the ISFs and the FPM
    mask_channels: int  # of the four convolutions of the Segmentation Branch
    aspp_channels: int
    aspp_rates: tuple[int, ...]
    identification: Literal["fpm", "convolution", "none"]  # Table I's rows
    refinement: bool  # Table I's rows
    refinement_channels: tuple[int, int]
    refinement_guided: bool = False  # ours: a guided filter before the refinement's convolutions
    refinement_patches: bool = False  # ours: the refinement reads 4×4 pixels as a few channels and ends at half size
    refinement_small: bool = False  # ours: all of the refinement's convolutions work at a quarter of the frame's size
    mask_detail: int = 1  # ours: a place of the coarse mask has this many points per side
    dynamic_masks: bool = False  # ours: a mask channel's weights also depend on the features at its cell (CondInst, SOLOv2)
    conditional_masks: int = 0  # prior work (CondInst): hidden channels of a small network per cell that adds to its mask
    conditional_boxes: bool = False  # ours: this network measures in a box that its cell predicts (prior work: FCOS)
    conditional_pixels: int = 0  # ours: it reads this many channels per point of the mask, made from the frame too
    cell_tower: int = 0  # prior work (FCOS, CondInst): convolutions before what cells compute their weights and boxes from
    segmentation_language: Literal["early", "late", "none"]  # paper: early; Section IV-E removes it; late is ours
    fusion_at_grid: bool = False  # ours: F_ide's levels are fused with the phrase at S×S, at a third of the cost
    identification_film: bool = False  # prior work (FiLM): the phrase scales and shifts each Identification Branch convolution
    dropout: float = 0.0  # ours: in training, the share of the phrase's and the ISFs' channels that is left out
    coordinates: bool  # prior work: x and y beside f_v (CMSA, CMPC) and in both branches (SOLO)
    alpha: float  # the forget rate of Eq. 2
    activation: Literal["tanh", "leaky_relu"]
    slope: float  # negative slope of every leaky ReLU

    def __post_init__(self) -> None:
        sizes = ("word_channels", "text_channels", "fused_channels", "pathway_channels", "instance_channels", "mask_channels")
        check_range(self, 1, 65536, "image_size", "grid", "max_words", "mask_detail", "aspp_channels", *sizes)
        check_range(self, 1, 65536, "aspp_rates", "refinement_channels")
        check_range(self, 0, 65536, "conditional_masks", "conditional_pixels", "cell_tower")
        check_range(self, 0, 1, "alpha", "slope", "dropout")
        if self.image_size % 32:
            raise ConfigurationError(f"image_size is {self.image_size}; it must be a multiple of 32, the backbone's last stride")
        if (self.conditional_boxes or self.conditional_pixels) and not self.conditional_masks:
            raise ConfigurationError(
                "conditional_boxes or conditional_pixels is set, but conditional_masks is 0, so there is no network that would use "
                "them. Give conditional_masks a number of channels, such as 16."
            )
        if self.cell_tower and not (self.conditional_masks or self.dynamic_masks):
            raise ConfigurationError(
                f"cell_tower is {self.cell_tower}, but neither conditional_masks nor dynamic_masks is set, so cells compute "
                "nothing from its features. Give conditional_masks a number of channels, such as 16."
            )
        if self.conditional_pixels and 8 % self.mask_detail:
            raise ConfigurationError(
                f"conditional_pixels is set and mask_detail is {self.mask_detail}; points that read the frame need 1, 2, 4 or 8."
            )
        if self.grid < 2:
            raise ConfigurationError(f"grid is {self.grid}; it must be at least 2")

    @classmethod
    def paper(cls) -> NetworkConfig:
        """Build the paper's size: DarkNet53 at 416."""
        return cls(
            backbone="darknet53",  # paper
            image_size=416,  # paper
            grid=13,  # paper
            max_words=15,  # prior work: RefCOCO, RefCOCO+; 20 for RefCOCOg
            word_channels=300,  # paper: GloVe 840B
            text_channels=1024,  # prior work
            fused_channels=1024,  # prior work
            pathway_channels=512,  # prior work
            instance_channels=512,  # ours
            mask_channels=512,  # ours
            aspp_channels=256,  # prior work
            aspp_rates=(6, 12, 18),  # prior work
            identification="fpm",  # paper
            refinement=True,  # paper
            refinement_channels=(32, 16),  # ours
            segmentation_language="early",  # paper
            coordinates=False,  # paper
            alpha=0.5,  # ours
            activation="tanh",  # ours: bounded, so the scan cannot overflow FP16
            slope=0.1,  # prior work
        )

    @classmethod
    def edge(cls) -> NetworkConfig:
        """Build the light size for Jetson Nano-class devices and CPUs: a pretrained EfficientNet-Lite0 at 320."""
        return replace(
            cls.paper(),
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
    def from_dict(cls, values: object) -> NetworkConfig:
        """Build from plain values: a named base and what differs from it, or every value, as checkpoints and manifests hold them.

        Raises:
            ConfigurationError: the base is unknown, there is none and values are missing, or a name is unknown.
        """
        if isinstance(values, dict) and "base" in values:
            changes = dict(values)
            base = changes.pop("base")
            if base not in list(BASES):
                raise ConfigurationError(f"network.base is {base!r}. {NAME_A_BASE}")
            return read_settings(cls, {**BASES[base]().to_dict(), **changes})
        if isinstance(values, dict) and not {item.name for item in fields(cls) if item.default is MISSING} <= values.keys():
            raise ConfigurationError(f"network has no base, only {sorted(map(str, values))}. {NAME_A_BASE}")
        return read_settings(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` reads back."""
        return asdict(self)


BASES = {"edge": NetworkConfig.edge, "paper": NetworkConfig.paper}
LITE_WITH_DETECTOR = "efficientnet_lite0+nanodet"  # the one backbone of two parts
NAME_A_BASE = f"Name one of {', '.join(BASES)}, and the settings that differ, as in network: {{base: edge, grid: 9}}."
