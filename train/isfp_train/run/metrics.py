"""Metrics of answers: IoU over expressions and over pixels, Precision@X and cells (paper, IV-B)."""

from __future__ import annotations

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from isfp_train.overlap import iou

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


class ReferringMetrics(Metric):
    """Metrics over expressions whose object is present.

    `mIoU` is the mean IoU over expressions (called IoU by MCN, VLT and the paper); `oIoU` is the sum of intersections divided by
    the sum of unions (other work). `Pr@X` is the share of expressions whose IoU is above X. All are in percent. The state of
    several processes is joined once, in `compute`.
    """

    full_state_update = False
    intersection: list[Tensor]
    union: list[Tensor]
    cell_correct: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("intersection", "union", "cell_correct"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, intersection: Tensor, union: Tensor, cell_correct: Tensor) -> None:
        """Add expressions: intersections `[N]`, unions `[N]` in pixels, and whether the chosen cell is a positive one `[N]`."""
        self.intersection.append(intersection)
        self.union.append(union)
        self.cell_correct.append(cell_correct)

    def compute(self) -> dict[str, float]:
        """Return the metrics by name; they are zero if there was no expression."""
        intersection, union, cell_correct = (
            dim_zero_cat(state).double() if len(state) else None for state in (self.intersection, self.union, self.cell_correct)
        )
        if intersection is None or union is None or cell_correct is None:
            return dict.fromkeys(("mIoU", "oIoU", *(f"Pr@{x}" for x in THRESHOLDS), "cell", "count"), 0.0)
        return summarise(intersection, union, cell_correct)


def summarise(intersection: Tensor, union: Tensor, cell_correct: Tensor) -> dict[str, float]:
    """Metrics of `N` expressions; see `ReferringMetrics`. The IoU of two empty masks is 1."""
    ious = iou(intersection, union)
    result = {
        "mIoU": 100 * ious.mean().item(),
        "oIoU": 100 * (intersection.sum() / union.sum().clamp(min=1)).item(),
    }
    result |= {f"Pr@{x}": 100 * (ious > x).double().mean().item() for x in THRESHOLDS}
    return result | {"cell": 100 * cell_correct.double().mean().item(), "count": float(len(ious))}
