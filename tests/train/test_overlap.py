"""One IoU for arrays and tensors: it agrees with torchmetrics, and empty masks agree with each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.classification import BinaryJaccardIndex

from isfp_train.overlap import iou, mask_iou


def masks() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mask, truth = rng.random((4, 20, 20)) > 0.5, rng.random((4, 20, 20)) > 0.5
    mask[3] = truth[3] = False
    return mask, truth


def test_iou_equals_torchmetrics_in_numpy_and_in_pytorch() -> None:
    mask, truth = masks()
    theirs = [BinaryJaccardIndex()(torch.tensor(a), torch.tensor(b)).item() for a, b in zip(mask[:3], truth[:3], strict=True)]
    assert mask_iou(mask, truth)[:3].tolist() == pytest.approx(theirs)
    assert mask_iou(torch.from_numpy(mask), torch.from_numpy(truth))[:3].tolist() == pytest.approx(theirs)


def test_two_empty_masks_have_iou_1() -> None:
    mask, truth = masks()
    assert mask_iou(mask, truth)[3] == 1
    assert mask_iou(torch.from_numpy(mask[3]), torch.from_numpy(truth[3])) == 1
    assert iou(0, 0) == 1


def test_an_empty_mask_and_one_that_is_not_have_iou_0() -> None:
    full = np.ones((3, 3), bool)
    assert mask_iou(full, ~full) == 0
