"""Intersection, union and IoU of masks, in NumPy and PyTorch alike; this module needs neither to be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Array = TypeVar("Array", "np.ndarray", "Tensor")


def intersection_and_union(mask: Array, truth: Array) -> tuple[Array, Array]:
    """Count pixels: bool `[...,H,W]`, bool `[...,H,W]` -> `[...]`, `[...]`."""
    return (mask & truth).sum((-2, -1)), (mask | truth).sum((-2, -1))


def iou(intersection: Any, union: Any) -> Any:
    """Divide numbers, arrays or tensors; the IoU of two empty masks is 1."""
    empty = union == 0
    return (intersection + empty) / (union + empty)


def mask_iou(mask: Array, truth: Array) -> Any:
    """IoU of masks, bool `[...,H,W]`, bool `[...,H,W]` -> `[...]`; two empty masks have IoU 1."""
    return iou(*intersection_and_union(mask, truth))
