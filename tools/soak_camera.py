"""The camera loop of the soak, in a process of its own: python tools/soak_camera.py BUNDLE COUNTS.json FOLDER.

A Smoother answers phrases on a camera that stops, comes back, stays away, and sends frames of odd sizes and kinds; now and then it
reads a folder with broken pictures. Ends on SIGTERM, and writes what it counted.
"""

from __future__ import annotations

import json
import logging
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import soak_pictures
from isfp import CameraError, FrameError, PhraseError, Segmenter, camera
from isfp.camera.camera import Camera
from isfp.camera.sources import Reader, Source
from isfp.video import Smoother

PATIENCE = 2.0  # seconds until a camera that stays away is given up
PHRASES = (*soak_pictures.PRESENT, *soak_pictures.ABSENT, "?!")  # the last has no words, which is refused
RATE = 20.0  # frames a second


class Stopping:
    """An open source that gives some frames and then stops, as a camera whose plug is pulled."""

    frames_per_second = RATE

    def __init__(self, rng: np.random.Generator) -> None:
        self._frames, self._left = soak_pictures.frames(rng), int(rng.integers(20, 200))
        self.seconds = 0.0
        self.unreadable: dict[str, str] = {}

    def read(self) -> np.ndarray | None:
        time.sleep(1 / RATE)
        self._left -= 1
        self.seconds += 1 / RATE
        return next(self._frames) if self._left > 0 else None

    def release(self) -> None:
        self._left = 0


def source(rng: np.random.Generator) -> Source:
    """A live source that is away for a while after it stopped, at times for longer than anybody waits."""
    away = 0

    def connect() -> Reader:
        nonlocal away
        if away:
            away -= 1
            raise CameraError("The synthetic camera is away.")
        away = int(rng.choice([0, 1, 20], p=[0.6, 0.3, 0.1]))
        return Stopping(rng)

    return Source("synthetic", True, connect)


def main(
    bundle: Annotated[Path, typer.Argument(help="Model bundle.")],
    counts: Annotated[Path, typer.Argument(help="JSON to write at the end.")],
    folder: Annotated[Path, typer.Argument(help="Folder of pictures, some of them broken.")],
) -> None:
    """Run until SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.disable(logging.WARNING)  # each loss of the camera is one, and they are many
    counted: Counter[str] = Counter()
    rng = np.random.default_rng(0)
    try:
        with Segmenter(bundle, threads=1) as segmenter:
            while True:
                watch(segmenter, rng, counted)
                with camera.open(folder) as opened:
                    counted["pictures of a folder"] += sum(1 for _ in opened)
                    counted["broken pictures passed over"] += len(opened.unreadable)
    except KeyboardInterrupt:
        pass
    finally:
        counts.write_text(json.dumps(counted), encoding="utf-8")


def watch(segmenter: Segmenter, rng: np.random.Generator, counted: Counter[str]) -> None:
    """Look at a camera until it stays away."""
    smoother = Smoother(segmenter)
    try:
        with Camera(source(rng), PATIENCE) as opened:
            lost = 0
            for frame in opened:
                try:
                    phrase = str(
                        rng.choice([*soak_pictures.PRESENT, *soak_pictures.ABSENT, "?!"], p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
                    )
                    smoother.run(frame, [phrase, soak_pictures.PRESENT[0]])
                    counted["frames"] += 1
                except FrameError:
                    counted["frames refused"] += 1
                except PhraseError:
                    counted["phrases refused"] += 1
                counted["times it came back"] += opened.reconnects - lost
                lost = opened.reconnects
    except CameraError:
        counted["times it was given up"] += 1


if __name__ == "__main__":
    typer.run(main)
