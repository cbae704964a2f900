"""Write scenes in the layout of the REFER tool, so that the reader can be tested without COCO."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from isfp import pictures
from isfp.files.atomic_file import write_bytes, write_json
from isfp.steps.phrase import split_words
from isfp.steps.result import run_lengths
from isfp_train.data.refcoco.layout import DATASETS, PHOTOS
from isfp_train.data.refcoco.refcoco import NO_TARGET
from isfp_train.data.scene import Expression, Scene


def write_refcoco(name: str, root: Path, scenes: Iterable[tuple[str, Scene]]) -> None:
    """Write one of the data sets.

    Args:
        name: one of `layout.DATASETS`. Only gRefCOCO keeps expressions for absent objects.
        root: folder for `<dataset>/` and the photos.
        scenes: each scene with its split; the expressions of the scene are written.

    Raises:
        WriteError: a file cannot be written.
    """
    dataset = DATASETS[name]
    photos = root / PHOTOS[0]
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    refs: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    sentences = 0
    for number, (split, scene) in enumerate(scenes, start=1):
        height, width = scene.image.shape[:2]
        file_name = f"COCO_train2014_{number:012d}.jpg"
        pictures.write(photos / file_name, np.ascontiguousarray(scene.image[..., ::-1]))
        images.append({"id": number, "file_name": file_name, "height": height, "width": width})
        first = len(annotations) + 1
        for obj in scene.objects:
            assert obj.mask is not None
            x0, y0, x1, y1 = obj.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": categories.setdefault(obj.kind, len(categories) + 1),
                    "segmentation": {"size": [height, width], "counts": run_lengths(obj.mask)},
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": obj.area,
                    "iscrowd": 0,
                }
            )
        for target, group in _by_target(scene.expressions).items():
            if target is None and name != "grefcoco":
                continue
            annotation = NO_TARGET if target is None else first + target
            category = NO_TARGET if target is None else categories[scene.objects[target].kind]
            ids = range(sentences, sentences + len(group))
            sentences += len(group)
            refs.append(
                {
                    "ref_id": len(refs) + 1,
                    "ann_id": [annotation] if name == "grefcoco" else annotation,
                    "category_id": [category] if name == "grefcoco" else category,
                    "image_id": number,
                    "file_name": file_name,
                    "split": split,
                    "sent_ids": list(ids),
                    "sentences": [
                        {"sent_id": sent_id, "raw": text, "sent": text, "tokens": split_words(text)}
                        for sent_id, text in zip(ids, group, strict=True)
                    ],
                }
            )
    own = root / dataset.folder
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": kind} for kind, number in categories.items()],
    }
    write_json(own / "instances.json", content)
    if dataset.refs.endswith(".json"):
        write_json(own / dataset.refs, refs)
    else:
        write_bytes(own / dataset.refs, pickle.dumps(refs, protocol=2))


def _by_target(expressions: Iterable[Expression]) -> dict[int | None, list[str]]:
    found: dict[int | None, list[str]] = {}
    for expression in expressions:
        found.setdefault(expression.target, []).append(expression.text)
    return found
