"""IoU of two masks, without PyTorch."""

from __future__ import annotations

import numpy as np


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """IoU of two masks, bool `[h,w]`; 1 where both are empty."""
    either = (mask | truth).sum()
    return float((mask & truth).sum() / either) if either else 1.0
