"""The three losses and their sum (Eq. 4 to 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from isfp_train.overlap import mask_iou

BLOCK = 4  # pixels; `outline` weighs a block and its neighbours: most of what a 1/8 mask gets wrong lies there


@dataclass(frozen=True)
class LossConfig:
    """Weights and switches of the losses. The paper gives the weights, not the reductions that they belong to."""

    w_ide: float = 10.0  # paper; on the mean over the grid (ours)
    w_seg: float = 0.03  # paper; on the sum over a mask's places, mean over the positive channels (ours)
    w_ref: float = 0.5  # paper; on the mean over pixels (ours)
    theta: float = 0.3  # paper: IoU of the coarse mask from which the refinement learns
    dice: float = 0.0  # ours: weight of Dice beside the segmentation loss's BCE, both as means
    segmentation_reduction: Literal["sum", "mean"] = "sum"  # ours: "sum" or "mean" over a mask's places
    choice: float = 0.0  # ours: weight of `choice_loss` beside the identifying loss's BCE
    nothing: bool = False  # ours: "nothing" is one more choice there
    outline: float = 0.0  # ours: how much more a pixel near the true outline weighs in the refinement loss


def identifying_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Eq. 6: BCE over the S×S map, mean. `[N,S,S]`, `[N,S,S]` -> scalar."""
    return functional.binary_cross_entropy_with_logits(logits, target)


def choice_loss(logits: Tensor, target: Tensor, nothing: bool = False) -> Tensor:
    """Minus the log of the share that the positive cells have in the softmax over all (ours).

    The BCE asks whether a cell is positive; the lookup asks which cell is best, and so does this. Phrases that name nothing cost
    nothing, unless ``nothing`` puts one more choice beside the cells: its logit is 0, as a cell's is at a probability of a half,
    and it is the right choice for them. The lookup asks that too, and among 169 cells a mean BCE hardly feels the one that is
    wrongly sure. `[N,S,S]`, `[N,S,S]` -> mean over all N, scalar.
    """
    scores, wanted = logits.flatten(1), target.flatten(1) > 0
    if nothing:
        scores = torch.cat((scores, torch.zeros_like(scores[:, :1])), dim=1)
        wanted = torch.cat((wanted, ~wanted.any(dim=1, keepdim=True)), dim=1)
    there = wanted.any(dim=1)
    best = scores.masked_fill(~(wanted | ~there[:, None]), -torch.inf).logsumexp(dim=1)
    return ((scores.logsumexp(dim=1) - best) * there).mean()


def segmentation_loss(logits: Tensor, target: Tensor, counts: Tensor, reduction: str = "sum", dice: float = 0.0) -> Tensor:
    """Eq. 7: BCE of the positive cells' channels with the mask; negative channels cost nothing.

    Args:
        logits: coarse masks of the positive cells `[N,K,h,w]`.
        target: the mask at the same size `[N,h,w]`, in 0 … 1.
        counts: which cells are inside the grid, bool `[N,K]`.
        reduction: "sum" or "mean" over places; over a phrase's channels it is the mean.
        dice: weight of 1 - Dice beside the BCE.

    Returns:
        The loss of each phrase `[N]`.
    """
    wanted = target.unsqueeze(1).expand_as(logits)
    cost = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").flatten(2)
    cost = cost.sum(dim=2) if reduction == "sum" else cost.mean(dim=2)
    if dice:
        shown = torch.sigmoid(logits)
        overlap = 2 * (shown * wanted).sum(dim=(2, 3))
        cost = cost + dice * (1 - (overlap + 1) / (shown.sum(dim=(2, 3)) + wanted.sum(dim=(2, 3)) + 1))
    return (cost * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1)


def refinement_loss(logits: Tensor, masks: Tensor, learns: Tensor, outline: float = 0.0) -> Tensor:
    """Eq. 8: BCE of each refined mask, 0 where the coarse mask is too far off.

    Args:
        logits: refined masks `[N,H,W]`.
        masks: the truth, bool `[N,H,W]`.
        learns: which coarse masks are close enough, bool `[N]`.
        outline: how much more a pixel near the true outline weighs; the mean is a weighted one then.

    Returns:
        The loss of each mask `[N]`.
    """
    wanted = masks.to(logits.dtype)
    cost = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    if not outline:
        return cost.mean(dim=(1, 2)) * learns
    weights = 1 + outline * _near_outline(wanted)
    return (cost * weights).sum(dim=(1, 2)) / weights.sum(dim=(1, 2)) * learns


def _near_outline(masks: Tensor) -> Tensor:
    """1 on the `BLOCK`s of pixels that a mask's outline crosses and on those beside them, else 0: `[N,H,W]` -> `[N,H,W]`."""
    share = functional.avg_pool2d(masks.unsqueeze(1), BLOCK)
    mixed = functional.max_pool2d(torch.cat((share, 1 - share), dim=1), 3, stride=1, padding=1).gt(0).all(dim=1, keepdim=True)
    return functional.interpolate(mixed.to(masks.dtype), size=masks.shape[1:]).squeeze(1)


def coarse_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of coarse masks with the truth at the coarse size: `[N,h,w]`, `[N,h,w]` in 0 … 1 -> `[N]`, 1 where both are empty."""
    return mask_iou(logits > 0, target >= 0.5)
