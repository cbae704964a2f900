"""The training step as a Lightning module: the three losses, which parts are trained when, and the schedule."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as lightning
import torch
from torch import Tensor, nn

from isfp.steps.lookup import best_cells
from isfp_train.data.store.stream import Batch
from isfp_train.network import ISFP
from isfp_train.network.detector_backbone import LiteWithDetector
from isfp_train.network.fusion import Maps
from isfp_train.network.mask_points import STRIDE
from isfp_train.overlap import intersection_and_union
from isfp_train.run.config import TrainConfig
from isfp_train.run.losses import (
    box_loss,
    cell_weights,
    centre_loss,
    choice_loss,
    coarse_iou,
    identifying_loss,
    refinement_loss,
    segmentation_loss,
)
from isfp_train.run.metrics import ReferringMetrics
from isfp_train.run.targets import (
    POSITIVES,
    among_positives,
    bounding_boxes,
    coarse_masks,
    identifying_target,
    positive_cells,
    some_positives,
)

ALONE = ("masks", "refinement")  # parts that are trained while the rest of the network is frozen


class ReferringModule(lightning.LightningModule):
    """Train the network on batches of scenes.

    Args:
        config: the run.
        words: the vocabulary's words, stored in every checkpoint.
        trained_words: ids of the words whose vectors are trained.
    """

    def __init__(self, config: TrainConfig, words: list[str], trained_words: list[int]) -> None:
        super().__init__()
        self.config, self.words, self.trained_words = config, words, trained_words
        # Convolutions on a CPU are a fifth faster with channels last.
        self.network = ISFP(config.network, len(words), trained_words)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.metrics = ReferringMetrics()
        if config.optimisation.freeze_backbone:
            self.network.backbone.requires_grad_(False)
        body = self.network.backbone.body
        if isinstance(body, LiteWithDetector):  # else the configuration refuses both
            if config.optimisation.train_detector:
                body.detector.requires_grad_(True)
            if config.optimisation.train_lite:
                body.lite.late_blocks().requires_grad_(True)
        if config.optimisation.parts in ALONE:
            self.network.requires_grad_(False)
            self._trained_alone().requires_grad_(True)

    def on_train_epoch_start(self) -> None:
        """Freeze the batch norms of the parts that are not trained."""
        if self.config.optimisation.freeze_backbone:
            self.network.backbone.eval()
        if self.config.optimisation.parts in ALONE:
            self.network.eval()
            self._trained_alone().train()

    def _trained_alone(self) -> nn.ModuleList:
        network = self.network
        return nn.ModuleList(
            [network.refinement] if self.config.optimisation.parts == "refinement" else [network.up, network.segmentation]
        )

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Eq. 4 on one batch."""
        parts = self.losses(batch, self.global_step % self.config.optimisation.masks_every == 0)
        loss = self.weighted(parts)
        self.log_dict(
            {f"train/{name}": value.detach() for name, value in parts.items()} | {"train/loss": loss.detach()}, sync_dist=True
        )
        return loss

    def weighted(self, parts: dict[str, Tensor]) -> Tensor:
        """Add up the losses with the weights of the run."""
        weights = self.config.losses
        loss = weights.w_ide * parts["identifying"] + weights.w_seg * parts["segmentation"] + weights.w_ref * parts["refinement"]
        return loss + weights.choice * parts["choice"]

    def losses(self, batch: Batch, with_masks: bool = True) -> dict[str, Tensor]:
        """Compute the losses by name, unweighted. A loss is 0 if the network lacks the part or the loss is not requested.

        Each is a sum over phrases, divided by a number that depends only on the size of the batch. So the parts of a batch, in
        several processes or in sequence, average to the loss of the whole.
        """
        if self.config.optimisation.parts == "refinement":
            return self._refinement_alone(batch)
        if self.config.optimisation.parts == "masks":
            return self._masks_alone(batch)
        network, settings = self.network, self.config.losses
        visual = self._visual(batch)
        phrases = network.text(batch.words, batch.lengths)
        grid = self.config.network.grid
        cells, counts = positive_cells(batch.centres, grid)
        zero = phrases.sum() * 0
        parts = {"identifying": zero, "choice": zero, "segmentation": zero, "refinement": zero}

        identifying = None
        if self.config.network.identification != "none":
            identifying = network.identify(visual, phrases, batch.scenes).float()
            target = identifying_target(cells, counts, grid)
            if len(batch.also):
                others = identifying_target(*positive_cells(batch.also[:, 1:], grid), grid)
                target = target.index_add(0, batch.also[:, 0], others).clamp_(max=1)
            parts["identifying"] = identifying_loss(identifying, target)
            parts["choice"] = choice_loss(identifying, target, settings.nothing)
            if settings.centre:
                parts["choice"] = parts["choice"] + settings.centre * centre_loss(identifying, cells, counts)
        if not with_masks:
            return parts

        masked, masks, learns = _at_least_two(batch)
        refined = batch.refined if len(batch.refined) else masked.new_zeros(1)
        scenes = batch.scenes[masked]
        if identifying is None:
            asked = chosen = torch.zeros_like(masked)[:, None]
            positives, right = learns[:, None], torch.zeros_like(learns)
        else:
            chosen = _chosen(identifying[masked])
            own, inside = cells[masked], counts[masked] & learns[:, None]
            asked, positives = self._trained_cells(own, inside)
            right = among_positives(chosen, own, inside)

        coarse, boxes = network.coarse_and_boxes(batch.views, visual, phrases[masked], torch.cat((asked, chosen), dim=1), scenes)
        coarse, weights = coarse.float(), cell_weights(positives, settings.neighbours)
        parts["segmentation"] = self._mask_loss(batch, coarse, boxes, masks, self._with_chosen(weights, right))
        if self.config.network.refinement and self.config.optimisation.parts != "body":
            true = None if identifying is None else coarse[refined, asked.shape[1] // 2]
            costs = self._refining(batch, scenes[refined], coarse[refined, -1], true, masks[refined], positives[refined].any(dim=1))
            samples = self.config.samples
            parts["refinement"] = costs.sum() / (len(batch.views) * min(samples.refined, samples.masks))
        return parts

    def _masks_alone(self, batch: Batch) -> dict[str, Tensor]:
        """The segmentation loss at the true cells and at those that would be chosen in use; nothing else is trained."""
        masked, masks, learns = _at_least_two(batch)
        cells, counts = positive_cells(batch.centres[masked], self.config.network.grid)
        with torch.no_grad():
            visual = self._visual(batch)
            phrases = self.network.text(batch.words[masked], batch.lengths[masked])
        counts = counts & learns[:, None]
        asked, positives = self._trained_cells(cells, counts)
        weights = cell_weights(positives, self.config.losses.neighbours)
        if self.config.losses.chosen:
            with torch.no_grad():
                chosen = self._choose(visual, phrases, batch.scenes[masked])
            weights = self._with_chosen(weights, among_positives(chosen, cells, counts))
            asked = torch.cat((asked, chosen), dim=1)
        coarse, boxes = self.network.coarse_and_boxes(batch.views, visual, phrases, asked, batch.scenes[masked])
        loss = self._mask_loss(batch, coarse.float(), boxes, masks, weights)
        zero = loss.detach() * 0
        return {"identifying": zero, "choice": zero, "segmentation": loss, "refinement": zero}

    def _trained_cells(self, cells: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """The positive cells whose masks this step trains; a resumed run takes the same ones."""
        draw = torch.Generator().manual_seed(self.global_step)
        return some_positives(cells, counts, self.config.samples.cells, draw)

    def _with_chosen(self, weights: Tensor, right: Tensor) -> Tensor:
        """Append the weights of the chosen cells, which count if they are right `[M]`: `[M,K]` -> `[M,K+1]`.

        Any of an object's nine cells can be chosen, and half of the time it is not the centre's.
        """
        return torch.cat((weights, self.config.losses.chosen * right[:, None]), dim=1)

    def _mask_loss(self, batch: Batch, coarse: Tensor, boxes: Tensor | None, masks: Tensor, weights: Tensor) -> Tensor:
        """The segmentation loss of cells' coarse masks `[M,K,h,w]` and boxes `[M,K,4]` with their weights, for the whole batch."""
        settings = self.config.losses
        wanted = coarse_masks(masks, STRIDE // self.config.network.mask_detail)
        costs = segmentation_loss(coarse, wanted, weights, settings.segmentation_reduction, settings.dice)
        if boxes is not None and settings.boxes:
            costs = costs + settings.boxes * box_loss(boxes.float(), bounding_boxes(masks), weights)
        return costs.sum() / (len(batch.views) * self.config.samples.masks)

    def _refinement_alone(self, batch: Batch) -> dict[str, Tensor]:
        """The refinement's loss on finished coarse masks, of the cell that would be chosen in use."""
        masked, masks, learns = _at_least_two(batch)
        scenes = batch.scenes[masked]
        with torch.no_grad():
            visual = self._visual(batch)
            phrases = self.network.text(batch.words[masked], batch.lengths[masked])
            chosen = true = self._choose(visual, phrases, scenes)
            if self.config.network.identification != "none":
                true = positive_cells(batch.centres[masked], self.config.network.grid)[0][:, POSITIVES // 2, None]
            coarse = self.network.coarse(batch.views, visual, phrases, torch.cat((true, chosen), dim=1), scenes).float()
        costs = self._refining(batch, scenes, coarse[:, -1], coarse[:, 0], masks, learns)
        zero = costs.sum() * 0
        parts = {"identifying": zero, "choice": zero, "segmentation": zero}
        return parts | {"refinement": costs.sum() / (len(batch.views) * self.config.samples.masks)}

    def _refining(
        self, batch: Batch, scenes: Tensor, picked: Tensor, true: Tensor | None, masks: Tensor, counted: Tensor
    ) -> Tensor:
        """The refinement's loss for each mask `[M]`, from the coarse masks of the chosen and of the true cells `[M,h,w]`."""
        settings, wanted = self.config.losses, coarse_masks(masks, STRIDE // self.config.network.mask_detail)
        learns = counted & (coarse_iou(picked.detach(), wanted) >= settings.theta)
        if self.config.optimisation.refine_true_channel and true is not None:
            picked = torch.where(learns[:, None, None], picked, true)
            learns = counted & (coarse_iou(picked.detach(), wanted) >= settings.theta)
        shown = self.network.refine(batch.views[scenes], picked.unsqueeze(1))[:, 0]
        return refinement_loss(shown, masks, learns, settings.outline)

    def _choose(self, visual: Maps, phrases: Tensor, scenes: Tensor) -> Tensor:
        """The cells that would be chosen in use `[M,1]`; the baseline has only one cell."""
        if self.config.network.identification == "none":
            return torch.zeros_like(scenes)[:, None]
        return _chosen(self.network.identify(visual, phrases, scenes))

    def _visual(self, batch: Batch) -> Maps:
        if not self.config.optimisation.stores_maps:
            return self.network.image(batch.views)
        large, medium, small = (level.contiguous(memory_format=torch.channels_last) for level in batch.maps)
        return self.network.visual((large, medium, small))

    def validation_step(self, batch: Batch, index: int) -> None:
        """Answer the phrases that have masks, as in use."""
        network, masked = self.network, batch.masked
        if len(masked) == 0:
            return
        scenes = batch.scenes[masked]
        visual = self._visual(batch)
        phrases = network.text(batch.words[masked], batch.lengths[masked])
        chosen = self._choose(visual, phrases, scenes)
        cell_correct = torch.ones_like(masked, dtype=torch.bool)
        if self.config.network.identification != "none":
            cells, counts = positive_cells(batch.centres[masked], self.config.network.grid)
            cell_correct = among_positives(chosen, cells, counts)
        coarse = network.coarse(batch.views, visual, phrases, chosen, scenes).float()
        with torch.autocast(coarse.device.type, enabled=False):
            masks = network.refine(batch.views[scenes], coarse)[:, 0] > 0
        self.metrics.update(*intersection_and_union(masks, batch.masks), cell_correct)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of the validation scenes."""
        values = self.metrics.compute()
        self.metrics.reset()
        values.pop("count")
        for name, value in values.items():
            # Every process already has the joined values; sync_dist tells Lightning so.
            self.log(f"val/{name}", value, prog_bar=name in ("mIoU", "cell"), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Adam (paper), with lower rates for pretrained parts and AdamW's weight decay; warm-up, then a cosine or steps."""
        settings = self.config.optimisation
        shares = {
            "network.backbone.body.detector.": settings.detector_rate,
            "network.backbone.body.lite.": settings.lite_rate,
            "": 1.0,
        }
        decays = dict.fromkeys((0.0, settings.weight_decay))  # one, where nothing decays: so earlier runs can be resumed
        groups: dict[tuple[str, float], list[nn.Parameter]] = {(prefix, decay): [] for prefix in shares for decay in decays}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                prefix = next(prefix for prefix in shares if name.startswith(prefix))
                shrinks = parameter.ndim > 1 and not name.startswith("network.encoder.words.")
                groups[prefix, settings.weight_decay if shrinks else 0.0].append(parameter)
        optimiser = torch.optim.AdamW(
            [
                {"params": group, "lr": settings.learning_rate * shares[prefix], "weight_decay": decay}
                for (prefix, decay), group in groups.items()
                if group
            ]
        )
        epochs = settings.decay_epochs or settings.epochs
        per_epoch = math.ceil(settings.epoch_scenes / settings.batch_scenes)

        def rate(step: int) -> float:
            warm = min(1.0, (step + 1) / max(1, settings.warm_up))
            if settings.schedule == "steps":
                return warm * 0.1 ** sum(step // per_epoch >= epoch for epoch in settings.steps)
            return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / (epochs * per_epoch))))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store what `isfp_train.run.checkpoint.load` needs to rebuild the network."""
        checkpoint["isfp"] = {
            "config": self.config.to_dict(),
            "words": list(self.words),
            "trained_words": list(self.trained_words),
        }


def _chosen(identifying: Tensor) -> Tensor:
    """The cells that would be chosen in use: logits `[M,S,S]` -> `[M,1]`."""
    maps = identifying.detach().float().sigmoid().cpu().numpy()
    return torch.tensor([[cell.index] for cell in best_cells(maps)], device=identifying.device)


def _at_least_two(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """The phrases with masks, the masks, and which of them count: the batch's first phrase pads them to two, with no loss.

    Every process runs all parts in every step, because synchronised batch norms wait for each other; and the batch norm after
    ASPP's global pooling needs two values.
    """
    spare = max(0, 2 - len(batch.masked))
    masked = torch.cat((batch.masked, batch.masked.new_zeros(spare)))
    masks = torch.cat((batch.masks, batch.masks.new_zeros(spare, *batch.masks.shape[1:])))
    return masked, masks, torch.arange(len(masked), device=masked.device) < len(batch.masked)
