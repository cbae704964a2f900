"""How good answers are: IoU over expressions and over pixels, Precision@X, cells and absences (paper, IV-B)."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def mask_overlap(shown: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection and union in pixels: bool `[N,H,W]`, bool `[N,H,W]` -> `[N]`, `[N]`."""
    both = (shown & wanted).flatten(1).sum(dim=1)
    return both, (shown | wanted).flatten(1).sum(dim=1)


class ReferringMetrics(Metric):
    """Metrics over expressions that name something.

    `mIoU` is the mean of each expression's IoU (MCN, VLT and the paper call it IoU); `oIoU` is the sum of intersections over the
    sum of unions (other work). `Pr@X` is the share of expressions whose IoU is above X. All in percent. State of several
    processes is joined once, at `compute`.
    """

    full_state_update = False
    both: list[Tensor]
    either: list[Tensor]
    right: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("both", "either", "right"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, both: Tensor, either: Tensor, right: Tensor) -> None:
        """Add expressions: intersections `[N]`, unions `[N]` in pixels, and whether the cell chosen is a positive one `[N]`."""
        self.both.append(both)
        self.either.append(either)
        self.right.append(right)

    def compute(self) -> dict[str, float]:
        """Return the metrics by name; no expression at all gives zeros."""
        both, either, right = (
            dim_zero_cat(state).double() if len(state) else None for state in (self.both, self.either, self.right)
        )
        if both is None or either is None or right is None:
            return dict.fromkeys(("mIoU", "oIoU", *(f"Pr@{x}" for x in THRESHOLDS), "cell", "count"), 0.0)
        return summarise(both, either, right)


def summarise(both: Tensor, either: Tensor, right: Tensor) -> dict[str, float]:
    """Metrics of expressions `[N]` each; see `ReferringMetrics`. Two empty masks agree: IoU 1."""
    iou = torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(both))
    result = {
        "mIoU": 100 * iou.mean().item(),
        "oIoU": 100 * (both.sum() / either.sum().clamp(min=1)).item(),
    }
    result |= {f"Pr@{x}": 100 * (iou > x).double().mean().item() for x in THRESHOLDS}
    return result | {"cell": 100 * right.double().mean().item(), "count": float(len(iou))}
