"""A frame that is ready for the network, letterboxed before the network is free for it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from isfp.steps.letterbox import Framing, Letterbox


@dataclass(frozen=True, eq=False)
class PreparedFrame:
    """A letterboxed frame; `Segmenter.prepare` returns it, and `look` and `run` take it in place of the frame.

    Attributes:
        letterboxed: the network's input, uint8 `[1,H,W,3]`.
        letterbox: where the frame lies in it.
        framing: what it was letterboxed for.
        milliseconds: how long that took.
    """

    letterboxed: np.ndarray
    letterbox: Letterbox
    framing: Framing
    milliseconds: float

    @classmethod
    def of(cls, frame: np.ndarray, framing: Framing, out: np.ndarray | None = None) -> PreparedFrame:
        """Letterbox a frame.

        Args:
            frame: uint8 `[h,w,3]`.
            framing: how.
            out: uint8 `[1,H,W,3]` to write to; by default a new array.

        Raises:
            FrameError: `frame` is not such an image.
        """
        start = perf_counter()
        letterboxed, letterbox = framing.fit(frame, out)
        return cls(letterboxed, letterbox, framing, (perf_counter() - start) * 1e3)
