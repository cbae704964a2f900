"""Where a frame has changed by more than camera noise, judged by its pixels alone."""

from __future__ import annotations

import cv2
import numpy as np

#: Width of the blocks of pixels that are averaged: noise averages out, and masks do not change in finer detail than this.
CELL = 4
#: How far around a change the masks may change too, in blocks.
AROUND = 2
#: A change counts if it is this many times the noise, and at least one grey value; at twice that it counts fully.
NOISES = 4.0
#: The noise is never assumed to be more than this, in grey values: if most of the picture has changed, the camera has moved.
MOST_NOISE = 3.0


class Motion:
    """Compares each frame with the one before it."""

    def __init__(self) -> None:
        """Start without a frame."""
        self._before: np.ndarray | None = None

    def seen(self, letterboxed: np.ndarray) -> np.ndarray:
        """Take the next frame and return where it has changed.

        Args:
            letterboxed: the network's input, uint8 `[1,H,W,3]`, blue, green, red; always of the same size.

        Returns:
            float32 `[H,W]`: 0 where only noise changed, 1 where something certainly moved; all 1 for the first frame.
        """
        height, width = letterboxed.shape[1:3]
        grey = cv2.cvtColor(letterboxed[0], cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, (-(-width // CELL), -(-height // CELL)), interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._before = self._before, small
        if before is None:
            return np.ones((height, width), np.float32)
        change = np.abs(small - before)
        least = 1 + NOISES * min(float(np.median(change)), MOST_NOISE)  # the median, because most of a picture is still
        moved = cv2.dilate(np.clip(change / least - 1, 0, 1), np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8))
        return cv2.resize(moved, (width, height), interpolation=cv2.INTER_LINEAR)
