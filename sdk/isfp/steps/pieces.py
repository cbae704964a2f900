"""One piece of a mask: the one at the cell, if the mask is in several (ours).

A mask is meant to show one object. If it covers two objects of a kind, its centre lies between them, where a robot would find
nothing. An object that something hides the middle of is in several pieces too; then the mask is a part of it.
"""

from __future__ import annotations

import cv2
import numpy as np

#: A piece smaller than this share of the largest one is a speck, not an object.
LARGE = 0.1


def keep_piece(logits: np.ndarray, middle: float, point: tuple[float, float]) -> tuple[np.ndarray, int]:
    """Keep the large piece at a point, or else the nearest one.

    Args:
        logits: mask logits `[h,w]`.
        middle: logit above which a pixel belongs to the mask.
        point: x and y in pixels, pixel column x covers x to x+1.

    Returns:
        The logits, below `middle` in all other pieces; and how many large pieces there are, 0 for an empty mask. A mask of one
        large piece is returned as it is, specks included.
    """
    others, count = other_pieces(logits > middle, point)
    if others is None:
        return logits, count
    kept = np.array(logits, np.float32)
    kept[others] = 2 * middle - kept[others]
    return kept, count


def other_pieces(mask: np.ndarray, point: tuple[float, float]) -> tuple[np.ndarray | None, int]:
    """Return the pixels that are not to be kept, bool `[h,w]`, None for none; and how many large pieces there are.

    Args:
        mask: bool `[h,w]`.
        point: as for `keep_piece`.
    """
    pixels = mask.view(np.uint8)
    x, y, width, height = cv2.boundingRect(pixels)
    box = slice(y, y + height), slice(x, x + width)
    if not width:
        return None, 0
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(pixels[box], connectivity=8)
    if count == 2:
        return None, 1
    areas = statistics[1:, cv2.CC_STAT_AREA]
    large = 1 + np.flatnonzero(areas >= LARGE * areas.max())
    if len(large) == 1:
        return None, 1
    nearest = _nearest(labels, large, (point[0] - x, point[1] - y))
    others = np.zeros(mask.shape, bool)
    others[box] = (labels != 0) & (labels != nearest)
    return others, len(large)


def _nearest(labels: np.ndarray, large: np.ndarray, point: tuple[float, float]) -> int:
    """Return which of the large pieces has the pixel nearest to a point."""
    column, row = (int(np.floor(value)) for value in point)
    inside = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
    if inside and labels[row, column] in large:
        return int(labels[row, column])
    rows, columns = np.nonzero(np.isin(labels, large))
    nearest = ((rows - row) ** 2 + (columns - column) ** 2).argmin()
    return int(labels[rows[nearest], columns[nearest]])
