"""Metrics of masks in a video: flicker and lag."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the IoU of two masks bool `[h,w]`, 0 to 1; it is 1 for two empty masks."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def flicker(masks: Sequence[np.ndarray]) -> float:
    """Return the mean of 1 − IoU of consecutive masks: 0 if nothing changes, 1 if nothing stays.

    The mask of a moving object changes too, so flicker is meaningful only if scene and camera are still.

    Args:
        masks: at least two, bool `[h,w]`, in the order of their frames.
    """
    return float(np.mean([1 - overlap(one, other) for one, other in pairwise(masks)]))


def lag(masks: Sequence[np.ndarray], reference: Sequence[np.ndarray], velocity: tuple[float, float]) -> float:
    """Return by how many frames the masks of a steadily moving object lag behind a reference; nan if none can be compared.

    This is the distance between the masks' centroids along the direction of motion, divided by the motion of one frame. Frames in
    which the IoU of the two masks is less than a third are left out, because they show different objects.

    Args:
        masks: bool `[h,w]`, in the order of their frames.
        reference: the masks to compare with, of the same frames.
        velocity: the object's motion from one frame to the next, (x, y) pixels, not (0, 0).
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
