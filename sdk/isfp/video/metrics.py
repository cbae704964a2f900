"""How much masks flicker, and how late they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the IoU of two masks bool `[h,w]`, 0 to 1; two empty ones agree: 1."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def flicker(masks: Sequence[np.ndarray]) -> float:
    """Return the mean of 1 − IoU of consecutive masks: 0 where nothing changes, 1 where nothing stays.

    A thing that moves changes its mask too, so flicker means something only where scene and camera are still.

    Args:
        masks: at least two, bool `[h,w]`, in the order of their frames.
    """
    return float(np.mean([1 - overlap(one, other) for one, other in pairwise(masks)]))


def lag(masks: Sequence[np.ndarray], reference: Sequence[np.ndarray], velocity: tuple[float, float]) -> float:
    """Return by how many frames masks trail behind others of a thing that moves steadily; nan where none can be compared.

    It is how far the masks' gravity centres lie behind, along the way, divided by the way of one frame. Frames in which the two
    masks share less than a third (IoU) are left out: they show different things.

    Args:
        masks: bool `[h,w]`, in the order of their frames.
        reference: what they should be, of the same frames.
        velocity: the thing's way from one frame to the next, (x, y) pixels, not (0, 0).
    """
    way = np.asarray(velocity)
    behind = [
        (_centre(wanted) - _centre(mask)) @ way / (way @ way)
        for mask, wanted in zip(masks, reference, strict=True)
        if mask.any() and wanted.any() and overlap(mask, wanted) >= 1 / 3
    ]
    return float(np.mean(behind)) if behind else float("nan")


def _centre(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])
