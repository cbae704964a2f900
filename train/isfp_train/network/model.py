"""The whole network, in the four stages in which it is exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from isfp_train.network.backbone import Backbone
from isfp_train.network.config import NetworkConfig
from isfp_train.network.fusion import Maps, PhraseProjection, VisualProjection, of_scenes
from isfp_train.network.identification import IdentificationBranch
from isfp_train.network.language import PhraseEncoder
from isfp_train.network.pathways import DownPathway, UpPathway
from isfp_train.network.propagation import ConvolutionHead, FeaturePropagation
from isfp_train.network.refinement import Refinement, enlarge
from isfp_train.network.segmentation import SegmentationBranch


class ISFP(nn.Module):
    """Instance-Specific Feature Propagation (Liu, Jiang, Ding), as `image`, `text`, `identify` and `mask`.

    For `P` phrases, visual maps have one row per phrase, or a single row that all phrases share.

    Args:
        config: sizes and switches; the rows of Table I are configurations.
        words: size of the vocabulary.
        trained_words: word ids whose vectors are trained.
    """

    def __init__(self, config: NetworkConfig, words: int, trained_words: list[int] | None = None) -> None:
        super().__init__()
        self.config = config
        slope, fused = config.slope, config.fused_channels
        self.backbone = Backbone(config.backbone)
        self.visual = VisualProjection(self.backbone.channels, fused, config.coordinates, slope)
        self.encoder = PhraseEncoder(words, config.word_channels, config.text_channels, trained_words)
        self.phrase = PhraseProjection(config.text_channels, fused, slope)
        self.up = UpPathway(fused, config.pathway_channels, slope)
        self.segmentation = SegmentationBranch(
            config.pathway_channels,
            config.mask_channels,
            config.aspp_channels,
            config.aspp_rates,
            masks=1 if config.identification == "none" else config.grid**2,
            coordinates=config.coordinates,
            slope=slope,
            language=fused if config.segmentation_language == "late" else None,
            dynamic=config.dynamic_masks,
            detail=config.mask_detail,
            conditional=config.conditional_masks,
            boxes=config.conditional_boxes,
            pixels=config.conditional_pixels,
            tower=config.cell_tower,
        )
        if config.identification != "none":
            channels = config.instance_channels
            self.down = DownPathway(fused, config.pathway_channels, config.grid, slope, config.fusion_at_grid)
            self.identification = IdentificationBranch(
                config.pathway_channels, channels, config.coordinates, slope, fused if config.identification_film else None
            )
            self.propagation: nn.Module = (
                FeaturePropagation(channels, config.alpha, config.activation, slope)
                if config.identification == "fpm"
                else ConvolutionHead(channels, slope)
            )
        if config.refinement:
            self.refinement = Refinement(
                config.refinement_channels, slope, config.refinement_guided, config.refinement_patches, config.refinement_small
            )

    def image(self, frame: Tensor) -> Maps:
        """RGB frame uint8 `[N,H,W,3]` -> visual maps `[N,C,H/8,W/8]`, `[N,C,H/16,W/16]`, `[N,C,H/32,W/32]`."""
        return self.visual(self.backbone(frame))

    def text(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Word ids `[P,L]`, lengths `[P]` -> phrase vectors F_t W_t `[P,C]`."""
        return self.phrase(functional.dropout(self.encoder(words, lengths), self.config.dropout, self.training))

    def identify(self, visual: Maps, phrases: Tensor, scenes: Tensor | None = None) -> Tensor:
        """Visual maps `[P or 1,C,…]` (or `[B,C,…]` with each phrase's scene `[P]`), phrases `[P,C]` -> map `[P,S,S]`, logits."""
        instances = self.identification(self.down(visual, phrases, scenes), phrases)
        return self.propagation(functional.dropout2d(instances, self.config.dropout, self.training))

    def coarse(self, frame: Tensor, visual: Maps, phrases: Tensor, cells: Tensor, scenes: Tensor | None = None) -> Tensor:
        """Compute coarse masks.

        If language enters the Segmentation Branch late (or not at all), the frames and maps can also be `B` ones that phrases
        share: the branch's convolutions then run once per frame. The baseline of Table I has one channel: give it zeros as cells.

        Args:
            frame: RGB uint8 `[P or 1,H,W,3]`, or `[B,H,W,3]` with `scenes`.
            visual: visual maps `[P or 1,C,…]`, or `[B,C,…]` with `scenes`.
            phrases: `[P,C]`.
            cells: `[P,K]`.
            scenes: row of the frames and visual maps for each phrase `[P]`.

        Returns:
            Logits `[P,K,H/8,W/8]`, or `[P,K,D·H/8,D·W/8]` with `mask_detail` D.
        """
        return self.coarse_and_boxes(frame, visual, phrases, cells, scenes)[0]

    def coarse_and_boxes(
        self, frame: Tensor, visual: Maps, phrases: Tensor, cells: Tensor, scenes: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Coarse masks as `coarse` gives them, and the boxes that bound them `[P,K,4]`; None without `conditional_boxes`.

        A box is x and y of its centre, half its width and half its height, as shares of the frame's side.
        """
        branch = self.segmentation
        pixels = branch.of_frame(frame)
        if self.config.segmentation_language == "early":
            own = visual if scenes is None else of_scenes(visual, scenes)
            features = branch.features(self.up(own, phrases))
        else:
            features = branch.features(self.up(visual))
            if scenes is not None:
                features = features.index_select(0, scenes)  # its gradient is much faster than that of indexing
        if pixels is not None and scenes is not None:
            pixels = pixels.index_select(0, scenes)
        if self.config.segmentation_language == "late":
            features = branch.speak(features, phrases)
        return branch.lookup(features, cells, pixels)

    def refine(self, frame: Tensor, coarse: Tensor) -> Tensor:
        """RGB frame uint8 `[P or 1,H,W,3]`, coarse masks `[P,K,h,w]`, logits -> masks `[P,K,H,W]`, logits."""
        picture = frame.permute(0, 3, 1, 2).to(coarse.dtype) / 255
        height, width = picture.shape[2:]
        if not self.config.refinement:
            return enlarge(coarse, height, width)
        phrases, masks = coarse.shape[:2]
        if len(picture) > 1 and masks > 1:
            picture = picture.repeat_interleave(masks, dim=0)
        return self.refinement(picture, coarse.flatten(0, 1)).unflatten(0, (phrases, masks))

    def mask(self, frame: Tensor, visual: Maps, phrases: Tensor, cells: Tensor) -> Tensor:
        """RGB frame uint8 `[P or 1,H,W,3]`, visual maps, phrases `[P,C]`, cells `[P,K]` -> masks `[P,K,H,W]`, logits."""
        return self.refine(frame, self.coarse(frame, visual, phrases, cells))

    def forward(self, frame: Tensor, words: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Run all stages with one phrase per frame: RGB uint8 `[P,H,W,3]`, words `[P,L]`, lengths `[P]`.

        Returns:
            Masks `[P,H,W]` and identifying maps `[P,S,S]`, both logits. The baseline's map is `[P,1,1]`, the largest logit of its
            mask.
        """
        visual, phrases = self.image(frame), self.text(words, lengths)
        if self.config.identification == "none":
            masks = self.mask(frame, visual, phrases, phrases.new_zeros((len(phrases), 1), dtype=torch.long))[:, 0]
            return masks, masks.amax(dim=(1, 2), keepdim=True)
        identifying = self.identify(visual, phrases)
        cells = identifying.flatten(1).argmax(dim=1, keepdim=True)
        return self.mask(frame, visual, phrases, cells)[:, 0], identifying
