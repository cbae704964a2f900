"""Metrics on cases worked out by hand."""

from __future__ import annotations

import pytest
import torch

from isfp_train.run.metrics import ReferringMetrics, summarise


def test_mean_and_overall_iou_differ_as_they_should() -> None:
    """A small object missed (0/10) and a large one hit (90/90): mean 50 %, overall 90 %."""
    values = summarise(torch.tensor([0.0, 90.0]), torch.tensor([10.0, 90.0]), torch.tensor([0.0, 1.0]))
    assert values["mIoU"] == pytest.approx(50)
    assert values["oIoU"] == pytest.approx(90)
    assert values["cell"] == pytest.approx(50)


def test_precision_counts_ious_above_the_threshold() -> None:
    ious = torch.tensor([0.5, 0.55, 0.75, 0.95])
    values = summarise(ious * 100, torch.full((4,), 100.0), torch.ones(4))
    assert [values[f"Pr@{x}"] for x in (0.5, 0.6, 0.7, 0.8, 0.9)] == [75, 50, 50, 25, 25]


def test_batches_add_up_to_the_whole() -> None:
    intersection, union, cell_correct = torch.arange(6.0), torch.full((6,), 6.0), torch.tensor([0, 1, 0, 1, 1, 1]) == 1
    metrics = ReferringMetrics()
    for part in (slice(0, 2), slice(2, 3), slice(3, 6)):
        metrics.update(intersection[part], union[part], cell_correct[part])
    assert metrics.compute() == pytest.approx(summarise(intersection, union, cell_correct.double()))


def test_no_expression_gives_zeros() -> None:
    assert ReferringMetrics().compute()["mIoU"] == 0
