"""Pictures for the soak: good ones, ones of odd sizes, and files that only look like pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

PRESENT = ("the red mug", "the blue thing", "the left cup")
ABSENT = ("the green elephant on the roof", "zxqv wubble")
#: Height and width, pixels: one pixel, a line, a tall one, an odd one, a large one.
ODD_SIZES = ((1, 1), (1, 900), (1900, 7), (333, 211), (1500, 2000))


def scene(rng: np.random.Generator, height: int = 240, width: int = 320) -> np.ndarray:
    """Draw coloured things before a noisy wall, uint8 `[h,w,3]`."""
    frame = rng.integers(90, 140, (height, width, 3), np.uint8)
    for colour in ((0, 0, 220), (220, 60, 0), (30, 200, 40)):
        x, y = (int(rng.integers(0, size)) for size in (width, height))
        cv2.circle(frame, (x, y), max(1, min(height, width) // 6), colour, -1)
    return frame


def good(rng: np.random.Generator) -> bytes:
    """A picture file that can be read, JPEG or PNG."""
    return _encoded(scene(rng), ".jpg" if rng.random() < 0.7 else ".png")


def odd(rng: np.random.Generator) -> bytes:
    """A picture of a size that no camera has."""
    return _encoded(scene(rng, *ODD_SIZES[int(rng.integers(len(ODD_SIZES)))]), ".png")


def corrupt(rng: np.random.Generator) -> bytes:
    """A file that is no whole picture: cut short, without a header, or nothing at all."""
    whole = good(rng)
    kind = rng.integers(4)
    if kind == 0:
        return whole[: int(rng.integers(20, len(whole) // 2))]
    if kind == 1:
        return rng.bytes(2000)
    return whole[100:] if kind == 2 else b""


def write_folder(folder: Path, count: int, rng: np.random.Generator) -> None:
    """Write so many picture files, each tenth corrupt and each tenth of an odd size; they are links to thirty files."""
    kinds = [corrupt, odd, *[good] * 8]
    folder.mkdir(parents=True)
    paths = [folder / f"{number:06}.jpg" for number in range(count)]
    for number, path in enumerate(paths[:30]):
        path.write_bytes(kinds[number % 10](rng))
    for number, path in enumerate(paths[30:]):
        os.link(paths[number % 30], path)


def frames(rng: np.random.Generator) -> Iterator[np.ndarray]:
    """What a camera sees: a scene that moves a little, now and then a frame of another size or kind."""
    still = scene(rng)
    while True:
        chance = rng.random()
        if chance < 0.01:
            yield scene(rng, *ODD_SIZES[int(rng.integers(len(ODD_SIZES)))])
        elif chance < 0.02:
            yield still[..., 0]  # grey, which is refused
        elif chance < 0.03:
            yield np.full_like(still, 128)  # the lens is covered
        else:
            yield np.roll(still, int(rng.integers(-4, 5)), axis=1)


def _encoded(frame: np.ndarray, ending: str) -> bytes:
    return cv2.imencode(ending, frame)[1].tobytes()
