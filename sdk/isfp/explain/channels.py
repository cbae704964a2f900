"""All S² masks that the Segmentation Branch has for one phrase (paper, Fig. 9): the mask stage is asked for every cell."""

from __future__ import annotations

import cv2
import numpy as np

from isfp.steps.view import View

_AT_ONCE = 3  # cells in one call: the default maximum of an engine's profile


def channel_masks(view: View, text: str, width: int = 72) -> np.ndarray:
    """Compute the mask of every cell, and shrink it.

    The mask stage refines each mask, so these are the Refinement Module's masks, not the coarse ones of the paper's figure.

    Args:
        view: a view of the frame.
        text: one phrase.
        width: W', width of one mask, pixels; its height H' keeps the frame's aspect ratio.

    Returns:
        Probabilities float32 `[S,S,H',W']`, 0 to 1, by row and column of the cell.

    Raises:
        PhraseError: the phrase is not text, or has no words.
        StaleViewError: the Segmenter has looked at another frame since.
    """
    size = view.identify([text]).shape[1]
    rows, columns = view.letterbox.frame_size
    height = max(1, round(width * rows / columns))
    masks = np.empty((size * size, height, width), np.float32)
    for first in range(0, len(masks), _AT_ONCE):
        cells = range(first, min(first + _AT_ONCE, len(masks)))
        for cell, logits in zip(cells, view.masks([text], [cells])[0], strict=True):
            probability = 1 / (1 + np.exp(-logits[view.letterbox.window].clip(-30, 30)))
            masks[cell] = cv2.resize(probability, (width, height), interpolation=cv2.INTER_AREA)
    return masks.reshape(size, size, height, width)
