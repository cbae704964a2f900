"""From the log of a labelling run to one file in COCO's format, which pycocotools and what builds on it read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isfp.files.atomic_file import write_json
from isfp.label.log import Log

ANNOTATIONS = "annotations.json"


def write_coco(path: Path, log: Log, files: list[str], phrases: tuple[str, ...]) -> tuple[int, dict[str, str]]:
    """Write `annotations.json`, whole or not at all.

    Categories are the phrases, in their order. A mask is an annotation with its run lengths (`segmentation`: `size` and
    compressed `counts`), `bbox` (x, y, width, height), `area`, and `score`. Ids follow the order of `files`, so that the same
    labels give the same file, whichever was done first. A picture in which nothing was found has no annotation; one that cannot be
    read is left out. A picture has `not_found`: for each phrase that was not found, why (a value of `NotFoundReason`).

    Args:
        path: the file.
        log: with a row for each of `files`.
        files: the pictures, in order.
        phrases: those to write; rows may answer more.

    Returns:
        How many masks there are, and of the pictures that cannot be read why.
    """
    header = log.header()
    numbers = {phrase: number for number, phrase in enumerate(phrases, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    unreadable: dict[str, str] = {}
    for row in log.rows(files):
        if "error" in row:
            unreadable[row["file"]] = row["error"]
            continue
        missing = {e["phrase"]: e["reason"] for e in row["things"] if "reason" in e and e["phrase"] in numbers}
        images.append(
            {
                "id": len(images) + 1,
                "file_name": row["file"],
                "height": row["height"],
                "width": row["width"],
                "not_found": missing,
            }
        )
        annotations += [
            {
                "id": len(annotations) + number,
                "image_id": len(images),
                "category_id": numbers[entry["phrase"]],
                "segmentation": {"size": [row["height"], row["width"]], "counts": entry["counts"]},
                "area": entry["area"],
                "bbox": entry["bbox"],
                "iscrowd": 0,
                "score": entry["score"],
            }
            for number, entry in enumerate(_found(row, numbers), start=1)
        ]
    about = {key: header[key] for key in ("bundle", "sha256", "threshold")}
    content = {
        "info": {"description": "Masks that isfp label found", **about},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": phrase, "supercategory": ""} for phrase, number in numbers.items()],
    }
    write_json(path, content)
    return len(annotations), unreadable


def _found(row: dict[str, Any], numbers: dict[str, int]) -> list[dict[str, Any]]:
    """Return what was found of the phrases wanted, in their order."""
    objects = [entry for entry in row["things"] if entry["found"] and entry["phrase"] in numbers]
    return sorted(objects, key=lambda entry: numbers[entry["phrase"]])
