"""COCO's instances file and its masks, checked before use, because the C code of pycocotools does not check its input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from isfp.steps.arguments import shortened
from isfp_train.errors import DataFormatError, DataMissingError

LARGEST_SIDE, LARGEST_AREA = 1 << 15, 1 << 28  # pixels


def read_instances(path: Path) -> dict[str, Any]:
    """Read a file of instances: every image, category and annotation with the fields that this project uses.

    Raises:
        DataMissingError: the file does not exist.
        DataFormatError: it is not in COCO's format; the message names the entry.
    """
    if not path.is_file():
        raise DataMissingError(f"There are no COCO annotations at {path}.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataFormatError(f"{path} is not JSON ({error}); expected a file in COCO's instances format.") from error
    lists = content if isinstance(content, dict) else {}
    missing = [key for key in ("images", "annotations", "categories") if not isinstance(lists.get(key), list)]
    if missing:
        raise DataFormatError(f"{path} lacks {missing}; expected a file in COCO's instances format.")
    for kind, fault in (("images", _image_fault), ("categories", _category_fault), ("annotations", _annotation_fault)):
        for number, entry in enumerate(lists[kind]):
            if found := fault(entry):
                name = entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
                raise DataFormatError(f"{path}, {kind} {name}: {found}. Correct the file or fetch it again.")
    known = {category["id"] for category in lists["categories"]}
    for annotation in lists["annotations"]:
        if annotation["category_id"] not in known:
            raise DataFormatError(f"{path}, annotation {annotation['id']}: there is no category {annotation['category_id']}.")
    return lists


def decode(segmentation: object, height: int, width: int) -> np.ndarray:
    """Decode a mask, bool `[height,width]`, from COCO's three formats: polygons, uncompressed and compressed RLE.

    Raises:
        DataFormatError: a polygon is too far outside the image, or an RLE has another size; the message says which.
    """
    if isinstance(segmentation, list):
        for polygon in segmentation:
            _check_polygon(polygon, height, width)
        polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
        if not polygons:
            return np.zeros((height, width), bool)
        coded = rle.merge(rle.frPyObjects(polygons, height, width))
    elif isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        _check_runs(segmentation.get("size"), counts, height, width)
        coded = rle.frPyObjects(segmentation, height, width) if isinstance(counts, list) else segmentation
    else:
        raise DataFormatError(f"its segmentation is of type {type(segmentation).__name__}; expected polygons or RLE.")
    return rle.decode(coded).astype(bool)


def _check_polygon(polygon: object, height: int, width: int) -> None:
    if not isinstance(polygon, list) or len(polygon) % 2 or not all(map(_is_number, polygon)):
        raise DataFormatError(f"a polygon is {_short(polygon)}; expected a list of finite numbers x, y, x, y, ...")
    for values, size, axis in ((polygon[::2], width, "x"), (polygon[1::2], height, "y")):
        for value in values:
            if not -size <= value <= 2 * size:
                raise DataFormatError(f"a polygon has the {axis} coordinate {value:g} on an image of {width} x {height} pixels.")


def _check_runs(size: object, counts: object, height: int, width: int) -> None:
    if size != [height, width]:
        raise DataFormatError(f"its RLE has the size {_short(size)}; expected the image's, {[height, width]}.")
    runs = counts if isinstance(counts, list) else _runs(counts)
    if not all(isinstance(run, int) and not isinstance(run, bool) and run >= 0 for run in runs):
        raise DataFormatError(f"its RLE has the counts {_short(counts)}; expected whole numbers, 0 or more.")
    if sum(runs) != height * width:
        raise DataFormatError(f"the counts of its RLE add up to {sum(runs)}; expected {height} x {width} = {height * width}.")


def _runs(counts: object) -> list[int]:
    """The run lengths in COCO's compressed text: five bits per letter, each run as a difference to the last but one."""
    if isinstance(counts, str):
        counts = counts.encode("ascii", "replace")
    if not isinstance(counts, bytes) or not all(48 <= letter < 112 for letter in counts):
        raise DataFormatError(f"its RLE has the counts {_short(counts)}; expected a list of numbers or COCO's compressed text.")
    runs: list[int] = []
    value = shift = 0
    for letter in counts:
        bits = letter - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        if shift > 35:
            break
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise DataFormatError("the compressed counts of its RLE end within a number.")
    return runs


def _image_fault(entry: object) -> str:
    if not isinstance(entry, dict) or not _is_id(entry.get("id")) or not isinstance(entry.get("file_name"), str):
        return f"{_short(entry)} lacks a whole number as id, or a file_name"
    height, width = entry.get("height"), entry.get("width")
    if not _is_id(height) or not _is_id(width) or not _is_photo_size(height, width):
        return f"height and width are {_short(height)} and {_short(width)}; expected 1 to {LARGEST_SIDE} pixels"
    return ""


def _category_fault(entry: object) -> str:
    if not isinstance(entry, dict) or not _is_id(entry.get("id")) or not isinstance(entry.get("name"), str):
        return f"{_short(entry)} lacks a whole number as id, or a name"
    return ""


def _annotation_fault(entry: object) -> str:
    if not isinstance(entry, dict) or not all(_is_id(entry.get(key)) for key in ("id", "image_id", "category_id")):
        return f"{_short(entry)} lacks a whole number as id, image_id or category_id"
    box = entry.get("bbox")
    if box is not None and not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
        return f"bbox is {_short(box)}; expected four finite numbers x, y, width, height"
    if "area" in entry and not _is_number(entry["area"]):
        return f"area is {_short(entry['area'])}; expected a finite number"
    if "segmentation" not in entry:
        return "it has no segmentation"
    return ""


def _is_photo_size(height: Any, width: Any) -> bool:
    return 1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE and height * width <= LARGEST_AREA


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _short(value: object) -> str:
    return shortened(repr(value), 80)
