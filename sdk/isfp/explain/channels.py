"""All S² masks that the Segmentation Branch has for one phrase (paper, Fig. 9), by asking the mask stage for every cell."""

from __future__ import annotations

import cv2
import numpy as np

from isfp.segmenter import Segmenter

_AT_ONCE = 3  # cells that one call asks for: the most that engines are built for where nothing else is said


def channel_masks(segmenter: Segmenter, frame: np.ndarray, text: str, width: int = 72) -> np.ndarray:
    """Compute the mask of every cell, and shrink it.

    The mask stage refines each mask, so these are the Refinement Module's masks, not the coarse ones of the paper's figure.

    Args:
        segmenter: a Segmenter; its runtime runs the stages.
        frame: uint8 `[h,w,3]`, blue, green, red.
        text: one phrase.
        width: W', of one mask, pixels; its height H' keeps the frame's aspect.

    Returns:
        Probabilities float32 `[S,S,H',W']`, 0 to 1, by row and column of the cell.

    Raises:
        FrameError, PhraseError: as for `Segmenter.run`.
    """
    bundle, runtime = segmenter.bundle, segmenter.runtime
    encoded = segmenter.vocabulary.encode(text, bundle.manifest.max_words)
    view, placement = segmenter.framing.fit(frame)
    # Stages of its own: those of the Segmenter reuse their buffers for the next frame.
    text_stage, image_stage, mask_stage = (runtime.load(bundle, stage) for stage in ("text", "image", "mask"))
    phrases = np.array(text_stage(words=encoded.ids[None], lengths=np.array([encoded.length], np.int32))["phrases"])
    maps = image_stage(frame=view)
    size, height = bundle.manifest.grid, max(1, round(width * frame.shape[0] / frame.shape[1]))
    masks = np.empty((size * size, height, width), np.float32)
    for first in range(0, len(masks), _AT_ONCE):
        cells = np.arange(first, min(first + _AT_ONCE, len(masks)), dtype=np.int32)
        logits = np.asarray(mask_stage(frame=view, **maps, phrases=phrases, cells=cells[None])["masks"])[0]
        for cell, channel in zip(cells, logits, strict=True):
            probability = 1 / (1 + np.exp(-np.asarray(channel[placement.window], np.float32).clip(-30, 30)))
            masks[cell] = cv2.resize(probability, (width, height), interpolation=cv2.INTER_AREA)
    return masks.reshape(size, size, height, width)
