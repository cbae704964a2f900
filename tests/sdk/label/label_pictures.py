"""A folder of pictures to label, and what other programs make of the labels."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from tests.sdk.colour_bundle import COLOURS, picture

PHRASES = "# what to find\nred\n\n  the green thing \nblue\nred\n"


def write_pictures(folder: Path, count: int, size: tuple[int, int] = (96, 128)) -> Path:
    """Write pictures, every third into a folder within, each with one red, green or blue box; return the folder."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / ("more" if number % 3 == 0 else "") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        (x, y), side = rng.integers(0, 50, 2) * size[0] // 96, 40 * size[0] // 96
        cv2.imwrite(str(path), picture((list(COLOURS)[number % 3], (x, y, x + side, y + side)), size=size))
    return folder


def logged(out: Path) -> Counter:
    """How often each file stands in the log of whole lines."""
    path = out / "labels.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return Counter(json.loads(line)["file"] for line in lines[1:] if line.endswith(b"\n"))
