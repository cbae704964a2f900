"""Whether a frame shows anything: a lens cap, a dead sensor or a blank wall gives one flat colour and noise (ours)."""

from __future__ import annotations

import cv2
import numpy as np

#: Pixels of the network's input that are averaged into one, along each side: noise averages out, and a thing of a few pixels stays.
BLOCK = 16
#: A frame whose block means differ by less than this, grey values in every channel, is flat. Noise with a standard deviation of 8
#: makes them differ by 3 to 6; a black square of 3x3 pixels on white by 9.
LEAST = 8.0
#: Single pixels, one of each block, that spread more than this are no noise; most frames need no other look.
CERTAIN = 80


def has_contrast(pixels: np.ndarray) -> bool:
    """Return whether a frame is more than one flat colour with noise.

    Args:
        pixels: the frame as it lies in the network's input, without padding, uint8 `[h,w,3]`.
    """
    samples = np.sort(pixels[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK].reshape(-1, 3), axis=0)
    outliers = len(samples) // 20  # at either end, such as dead pixels
    if outliers and int((samples[-1 - outliers].astype(int) - samples[outliers]).max()) > CERTAIN:
        return True
    rows, columns = (max(1, round(size / BLOCK)) for size in pixels.shape[:2])
    means = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    return float(np.ptp(means, axis=0).max()) >= LEAST
