"""Where a frame has changed, by its pixels alone, beyond the camera's noise."""

from __future__ import annotations

import cv2
import numpy as np

#: Pixels of the view that are averaged into one: noise averages out, and a network's masks are no finer where they change.
CELL = 4
#: How far around a change masks may change, in such averages.
AROUND = 2
#: A change counts from so many times the noise on, and one grey value at least; it counts fully from twice that on.
NOISES = 4.0
#: Noise is never taken for more than this, grey values: where most of the view has changed, it is the camera that moves.
MOST_NOISE = 3.0


class Motion:
    """Compares each frame with the one before it."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self._before: np.ndarray | None = None

    def seen(self, view: np.ndarray) -> np.ndarray:
        """Take the next frame and return where it has changed.

        Args:
            view: uint8 `[1,H,W,3]`, blue, green, red; each frame of the same size.

        Returns:
            float32 `[H,W]`: 0 where only noise changed, 1 where it surely moved; all 1 for the first frame.
        """
        height, width = view.shape[1:3]
        grey = cv2.cvtColor(view[0], cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, (-(-width // CELL), -(-height // CELL)), interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._before = self._before, small
        if before is None:
            return np.ones((height, width), np.float32)
        change = np.abs(small - before)
        least = 1 + NOISES * min(float(np.median(change)), MOST_NOISE)  # the median: most of a view stands still
        moved = cv2.dilate(np.clip(change / least - 1, 0, 1), np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8))
        return cv2.resize(moved, (width, height), interpolation=cv2.INTER_LINEAR)
