"""A small folder of annotated photos as training reads it: boxes of one colour on grey, and phrases about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from isfp_train.data.scene import held_out
from isfp_train.data.sprites.coco import HELD_OUT_PHOTOS

HEIGHT, WIDTH = 120, 160
COLOURS = {"red": (200, 20, 20), "blue": (20, 40, 200), "green": (20, 160, 40)}

#: kind, colour, box x0 y0 x1 y1 in pixels
Box = tuple[str, str, tuple[int, int, int, int]]


def file_names(split: str, count: int) -> list[str]:
    """Names of files whose hash puts them into a split, "train" or "held_out"."""
    found, number = [], 0
    while len(found) < count:
        name = f"{number:04d}.png"
        if held_out(name, HELD_OUT_PHOTOS / 366) == (split == "held_out"):
            found.append(name)
        number += 1
    return found


def write_photos(
    folder: Path, photos: Mapping[str, Sequence[Box]], kinds: Sequence[str], size: tuple[int, int] = (HEIGHT, WIDTH)
) -> None:
    """Write `images/` and `instances.json`; photo n (from 1) has annotations 10 n, 10 n + 1, … in the order of its boxes."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number, (name, boxes) in enumerate(photos.items(), start=1):
        picture = np.full((*size, 3), 190, np.uint8)
        for place, (kind, colour, (x0, y0, x1, y1)) in enumerate(boxes):
            picture[y0:y1, x0:x1] = COLOURS[colour]
            annotations.append(
                {
                    "id": 10 * number + place,
                    "image_id": number,
                    "category_id": kinds.index(kind) + 1,
                    "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
                    "area": (x1 - x0) * (y1 - y0),
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "iscrowd": 0,
                }
            )
        cv2.imwrite(str(folder / "images" / name), picture[..., ::-1])
        images.append({"id": number, "file_name": name, "height": size[0], "width": size[1]})
    categories = [{"id": place, "name": kind} for place, kind in enumerate(kinds, start=1)]
    (folder / "instances.json").write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def row(photo: int, annotation: int | None, text: str, source: str | None = None) -> dict:
    """A row of a file of phrases."""
    said = {"image_id": photo, "ann_id": annotation, "sent": text}
    return said if source is None else {**said, "source": source}
