"""What a stream gains over a plain loop: the same frames of the same source, one way and then the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter

import cv2
import numpy as np

from isfp import pictures
from isfp.segmenter import Segmenter

#: Frames of one measurement. The start and end of a stream, where nothing overlaps, are part of it.
FRAMES = 12


@dataclass(frozen=True)
class Stretch:
    """Milliseconds per frame of a source in a plain loop, and as a stream."""

    plain: float
    stream: float


def stretches(segmenter: Segmenter, frame: np.ndarray, texts: tuple[str, ...]) -> dict[str, Stretch]:
    """Measure each kind of source once, by the clock.

    Args:
        segmenter: runs the network.
        frame: uint8 `[h,w,3]`.
        texts: phrases that are found in it, whatever their score is.

    Returns:
        `decoded`: the frame is in memory, so only the letterbox and the network can overlap. `jpeg`: each frame is decoded from
        JPEG, as those of a USB camera or a folder are.
    """
    code = cv2.imencode(".jpg", frame)[1].tobytes()
    sources: dict[str, Callable[[], Iterator[np.ndarray]]] = {
        "decoded": lambda: repeat(frame, FRAMES),
        "jpeg": lambda: (pictures.decode(code, "The JPEG") for _ in range(FRAMES)),
    }

    def plain(frames: Iterator[np.ndarray]) -> None:
        for one in frames:
            segmenter.run(one, texts, 0.0)

    def stream(frames: Iterator[np.ndarray]) -> None:
        for _ in segmenter.stream(frames, texts, 0.0):
            pass

    return {name: Stretch(_milliseconds(plain, source()), _milliseconds(stream, source())) for name, source in sources.items()}


def _milliseconds(loop: Callable[[Iterator[np.ndarray]], None], frames: Iterator[np.ndarray]) -> float:
    start = perf_counter()
    loop(frames)
    return (perf_counter() - start) * 1e3 / FRAMES
