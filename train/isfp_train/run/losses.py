"""The three losses and their sum (Eq. 4 to 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from isfp_train.overlap import mask_iou
from isfp_train.settings import check_range

BLOCK = 4  # pixels; `outline` weights a block and its neighbours, where most errors of a 1/8 mask are


@dataclass(frozen=True)
class LossConfig:
    """Weights and switches of the losses. The paper gives the weights, but not the reductions that they belong to."""

    w_ide: float = 10.0  # paper; on the mean over the grid (ours)
    w_seg: float = 0.03  # paper; on the sum over a mask's places, mean over the positive channels (ours)
    w_ref: float = 0.5  # paper; on the mean over pixels (ours)
    theta: float = 0.3  # paper: minimum IoU of the coarse mask for the refinement to learn from it
    neighbours: float = 1.0  # paper: weight of the cells around an object's centre in the segmentation loss; the centre's is 1
    chosen: float = 0.0  # ours: weight of the cell that would be chosen in use, if it is a positive one
    dice: float = 0.0  # ours: weight of Dice in the segmentation loss, next to the BCE; both are means
    boxes: float = 0.0  # ours: weight of `box_loss` in the segmentation loss, if cells predict boxes
    segmentation_reduction: Literal["sum", "mean"] = "sum"  # ours: "sum" or "mean" over a mask's places
    choice: float = 0.0  # ours: weight of `choice_loss` in the identifying loss, next to the BCE
    centre: float = 0.0  # ours: weight of `centre_loss` beside `choice_loss`
    nothing: bool = False  # ours: "nothing" is a further choice in `choice_loss`
    outline: float = 0.0  # ours: additional weight of pixels near the true outline in the refinement loss

    def __post_init__(self) -> None:
        check_range(self, 0, 1e6, "w_ide", "w_seg", "w_ref", "neighbours", "chosen", "dice", "boxes", "choice", "centre", "outline")
        check_range(self, 0, 1, "theta")


def identifying_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Eq. 6: BCE over the S×S map, mean. `[N,S,S]`, `[N,S,S]` -> scalar."""
    return functional.binary_cross_entropy_with_logits(logits, target)


def choice_loss(logits: Tensor, target: Tensor, nothing: bool = False) -> Tensor:
    """Minus the log of the positive cells' share in the softmax over all cells (ours).

    The BCE asks whether a cell is positive; the lookup asks which cell is best, and so does this loss. Phrases for absent objects
    do not contribute, unless `nothing` adds a further choice: its logit is 0, like that of a cell with a probability of a half,
    and it is the right choice for these phrases. The lookup compares with a threshold too, and one wrongly confident cell among
    169 hardly changes a mean BCE. `[N,S,S]`, `[N,S,S]` -> mean over all N, scalar.
    """
    scores, wanted = logits.flatten(1), target.flatten(1) > 0
    if nothing:
        scores = torch.cat((scores, torch.zeros_like(scores[:, :1])), dim=1)
        wanted = torch.cat((wanted, ~wanted.any(dim=1, keepdim=True)), dim=1)
    there = wanted.any(dim=1)
    best = scores.masked_fill(~(wanted | ~there[:, None]), -torch.inf).logsumexp(dim=1)
    return ((scores.logsumexp(dim=1) - best) * there).mean()


def centre_loss(logits: Tensor, cells: Tensor, counts: Tensor) -> Tensor:
    """Minus the log of the centre's share in the softmax over an object's positive cells (ours).

    Eq. 5 marks nine cells alike, so which of them is the largest is chance; but masks are best at the centre's cell.

    Args:
        logits: identifying maps `[N,S,S]`.
        cells: as `positive_cells` gives them `[N,9]`.
        counts: which of them are inside the grid `[N,9]`.

    Returns:
        The mean over all N, scalar; absent objects add nothing.
    """
    scores = logits.flatten(1).gather(1, cells)
    there = counts.any(dim=1)
    share = scores.masked_fill(~(counts | ~there[:, None]), -torch.inf).log_softmax(dim=1)[:, counts.shape[1] // 2]
    return -(share * there).mean()


def segmentation_loss(logits: Tensor, target: Tensor, counts: Tensor, reduction: str = "sum", dice: float = 0.0) -> Tensor:
    """Eq. 7: BCE of the positive cells' channels with the mask; negative channels do not contribute.

    Args:
        logits: coarse masks of the positive cells `[N,K,h,w]`.
        target: the mask at the same size `[N,h,w]`, in 0 … 1.
        counts: weights of these cells `[N,K]`, 0 outside the grid (`cell_weights`).
        reduction: "sum" or "mean" over places; the channels of a phrase are averaged.
        dice: weight of 1 - Dice, which is added to the BCE.

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


def box_loss(boxes: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    """1 - GIoU of boxes with the true ones (prior work: Rezatofighi et al. 2019), so that small boxes count as much as large ones.

    Args:
        boxes: x and y of the centre, half the width and half the height `[N,K,4]`.
        truth: the same `[N,4]`.
        counts: weights of these cells `[N,K]`, 0 outside the grid (`cell_weights`).

    Returns:
        The loss of each phrase `[N]`.
    """
    wanted = truth.unsqueeze(1).expand_as(boxes)
    (low, high), (true_low, true_high) = (
        (each[..., :2] - each[..., 2:], each[..., :2] + each[..., 2:]) for each in (boxes, wanted)
    )
    overlap = (torch.minimum(high, true_high) - torch.maximum(low, true_low)).clamp(min=0).prod(dim=2)
    hull = (torch.maximum(high, true_high) - torch.minimum(low, true_low)).prod(dim=2)
    union = 4 * (boxes[..., 2:].prod(dim=2) + wanted[..., 2:].prod(dim=2)) - overlap
    cost = 2 - overlap / union.clamp(min=1e-9) - union / hull.clamp(min=1e-9)
    return (cost * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1)


def cell_weights(counts: Tensor, neighbours: float) -> Tensor:
    """Weights of positive cells in the segmentation loss: 1 for the centre, `neighbours` for the others.

    Where things stand close together, an object's neighbour cells are the centres of others. With equal weights their channels
    learn the union of what they are asked for (ours).

    Args:
        counts: which cells are inside the grid, bool `[N,K]`, with the centre in the middle.
        neighbours: weight of all but the centre.

    Returns:
        `[N,K]`.
    """
    weights = counts.float() * neighbours
    middle = counts.shape[1] // 2
    return torch.cat((weights[:, :middle], counts[:, middle : middle + 1].float(), weights[:, middle + 1 :]), dim=1)


def refinement_loss(logits: Tensor, masks: Tensor, learns: Tensor, outline: float = 0.0) -> Tensor:
    """Eq. 8: BCE of each refined mask, 0 if the coarse mask is too far from the truth.

    Args:
        logits: refined masks `[N,H,W]`.
        masks: the truth, bool `[N,H,W]`.
        learns: which coarse masks are close enough, bool `[N]`.
        outline: additional weight of pixels near the true outline, in a weighted mean.

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
    """1 on the `BLOCK`s that a mask's outline crosses and on their neighbours, else 0: `[N,H,W]` -> `[N,H,W]`."""
    share = functional.avg_pool2d(masks.unsqueeze(1), BLOCK)
    mixed = functional.max_pool2d(torch.cat((share, 1 - share), dim=1), 3, stride=1, padding=1).gt(0).all(dim=1, keepdim=True)
    return functional.interpolate(mixed.to(masks.dtype), size=masks.shape[1:]).squeeze(1)


def coarse_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of coarse masks with the truth at the coarse size: `[N,h,w]`, `[N,h,w]` in 0 … 1 -> `[N]`, 1 where both are empty."""
    return mask_iou(logits > 0, target >= 0.5)
