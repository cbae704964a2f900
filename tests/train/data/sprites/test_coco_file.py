"""COCO's files are checked before C code sees them, and every error names file and annotation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from isfp_train.data.sprites.coco import Coco
from isfp_train.data.sprites.coco_file import decode, read_instances
from isfp_train.errors import DataFormatError

HEIGHT, WIDTH = 20, 30
MASK = np.zeros((HEIGHT, WIDTH), bool)
MASK[3:9, 5:22] = True
CODED = {"size": [HEIGHT, WIDTH], "counts": rle.encode(np.asfortranarray(MASK.astype(np.uint8)))["counts"].decode()}


def runs_of(mask: np.ndarray) -> list[int]:
    flat = np.concatenate([[0], mask.ravel(order="F").astype(int), [2]])
    changes = np.flatnonzero(np.diff(flat[1:])) + 1
    runs = np.diff(np.concatenate([[0], changes])).tolist()
    return [0, *runs] if flat[1] else runs


def test_all_three_formats_give_the_same_mask() -> None:
    box = [5, 3, 22, 3, 22, 9, 5, 9]
    for one in ([box], CODED, {"size": [HEIGHT, WIDTH], "counts": runs_of(MASK)}):
        assert (decode(one, HEIGHT, WIDTH) == MASK).all()
    assert not decode([], HEIGHT, WIDTH).any()
    assert not decode([[1, 2, 3, 4]], HEIGHT, WIDTH).any()


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_masks_of_any_pattern_come_back(seed: int, height: int, width: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    counts = rle.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    for kind in (counts, counts.decode()):
        assert (decode({"size": [height, width], "counts": kind}, height, width) == mask).all()


BAD = {
    "null": [[1, 2, None, 4, 5, 6]],
    "NaN": [[1, 2, float("nan"), 4, 5, 6]],
    "infinity": [[1, 2, float("inf"), 4, 5, 6]],
    "far away": [[1, 2, 1e9, 4, 5, 6]],
    "far below": [[1, -1e9, 3, 4, 5, 6]],
    "text": [["1", 2, 3, 4, 5, 6]],
    "odd": [[1, 2, 3, 4, 5, 6, 7]],
    "flat": [1, 2, 3, 4, 5, 6],
    "another size": {**CODED, "size": [WIDTH, HEIGHT]},
    "no size": {"counts": CODED["counts"]},
    "huge size": {"size": [1 << 30, 1 << 30], "counts": [1 << 60]},
    "too few": {"size": [HEIGHT, WIDTH], "counts": [10, 10]},
    "too many": {"size": [HEIGHT, WIDTH], "counts": [10, 1 << 40]},
    "negative": {"size": [HEIGHT, WIDTH], "counts": [-10, HEIGHT * WIDTH + 10]},
    "fraction": {"size": [HEIGHT, WIDTH], "counts": [0.5, HEIGHT * WIDTH - 0.5]},
    "cut text": {**CODED, "counts": CODED["counts"][:-1]},
    "other letters": {**CODED, "counts": "ü~!"},
    "endless number": {**CODED, "counts": "o" * 50},
    "no counts": {"size": [HEIGHT, WIDTH]},
    "none": None,
    "number": 3,
}


@pytest.mark.parametrize("kind", BAD)
def test_an_outline_that_does_not_fit_the_photo_names_file_and_annotation(tmp_path: Path, kind: str) -> None:
    annotation = {"id": 7, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "area": 9, "segmentation": BAD[kind]}
    coco = Coco(tmp_path, write(tmp_path, annotations=[annotation]))
    with pytest.raises(DataFormatError, match=r"instances\.json, annotation 7: "):
        coco.mask(coco.annotations[1][0])


def write(folder: Path, **changes: object) -> Path:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": [],
        **changes,
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"images": [{"id": 1, "file_name": "a.jpg", "height": 1 << 40, "width": 3}]}, "images 1: height and width"),
        ({"images": [{"id": 1, "file_name": "a.jpg", "height": 30000, "width": 30000}]}, "images 1: height and width"),
        ({"images": [{"id": 1, "file_name": "a.jpg", "height": None, "width": 3}]}, "images 1: height and width"),
        ({"images": [{"file_name": "a.jpg"}]}, "images number 0"),
        ({"images": [None]}, "images number 0"),
        ({"categories": [{"id": 1}]}, "categories 1"),
        ({"categories": {}}, "lacks .*categories"),
        ({"annotations": [{"id": 2, "image_id": 1}]}, "annotations 2"),
        ({"annotations": [{"id": 2, "image_id": 1, "category_id": 9, "segmentation": []}]}, "annotation 2: there is no category 9"),
        ({"annotations": [{"id": 2, "image_id": 1, "category_id": 1}]}, "annotations 2: it has no segmentation"),
        (
            {"annotations": [{"id": 2, "image_id": 1, "category_id": 1, "bbox": [0, 0, None, 1], "segmentation": []}]},
            "annotations 2: bbox",
        ),
        (
            {"annotations": [{"id": 2, "image_id": 1, "category_id": 1, "area": "big", "segmentation": []}]},
            "annotations 2: area",
        ),
    ],
)
def test_an_unsound_entry_is_named(tmp_path: Path, changes: dict, named: str) -> None:
    with pytest.raises(DataFormatError, match=rf"instances\.json.*{named}"):
        read_instances(write(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"[" * 100_000, b"null"])
def test_a_file_that_is_not_coco_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "instances.json").write_bytes(content)
    with pytest.raises(DataFormatError, match=r"instances\.json"):
        read_instances(tmp_path / "instances.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from(["size", "counts", "x"]), inner, max_size=3),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_no_segmentation_crashes(segmentation: object) -> None:
    try:
        mask = decode(segmentation, HEIGHT, WIDTH)
    except DataFormatError:
        return
    assert mask.shape == (HEIGHT, WIDTH)
