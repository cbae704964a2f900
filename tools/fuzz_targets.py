"""The parsers that read what comes from outside, as functions of bytes that must return or raise an error of the project's.

`tools/fuzz.py` runs them for long, `tests/tools/test_fuzz.py` briefly.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.exceptions import HTTPException

from isfp import IsfpError, pictures
from isfp.bundle import manifest
from isfp.bundle.bundle import MANIFEST, Bundle, write_manifest
from isfp.bundle.onnx_file import summarise
from isfp.engines.record import RECORD, read_record
from isfp.steps.phrase import Vocabulary, split_words
from isfp.web.limits import Limits, check_picture
from isfp_train.data.refcoco.layout import read_refs
from isfp_train.data.sprites.coco_file import decode, read_instances

ROOT = Path(__file__).resolve().parent.parent
LARGEST_MASK = 1 << 20  # pixels; larger ones only take time
_VOCABULARY = Vocabulary.from_words(["the", "red", "mug", "left"])
_EDGE = json.loads((ROOT / "models" / "edge.isfp" / MANIFEST).read_text(encoding="utf-8"))

_ONNX = b"\x3a\x05\x0a\x03\x22\x01a"  # a model with a graph with a node of the operator "a"


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        parse: gives it the bytes.
        seeds: inputs of its formats, from which others are made; the first is sound.
    """

    parse: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]

    def __call__(self, content: bytes) -> None:
        """Parse; errors of the project's are what a bad input must lead to, and anything else comes through."""
        with suppress(IsfpError, HTTPException):
            self.parse(content)


def _manifest(content: bytes) -> None:
    fields = _json(content)
    if isinstance(fields, dict):  # else nothing behind the hash is ever reached
        try:
            fields["sha256"] = manifest.digest(fields)
            content = json.dumps(fields).encode("utf-8")
        except (ValueError, RecursionError):  # what no file can hold
            return
    manifest.parse(content)


def _bundle(content: bytes) -> None:
    """A bundle with right hashes, whose stages are the bytes."""
    with tempfile.TemporaryDirectory() as folder:
        for file in _EDGE["files"]:
            Path(folder, file).write_bytes(b"<pad>\n<unknown>\nred\n" if file == "words.txt" else content)
        write_manifest(folder, _EDGE)
        Bundle.open(folder).vocabulary()


def _onnx(content: bytes) -> None:
    summarise(content, "fuzz.onnx")


def _words(content: bytes) -> None:
    vocabulary = Vocabulary.parse(content)
    assert len(set(vocabulary.words)) == len(vocabulary)


def _phrase(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    words = split_words(text)
    assert split_words(" ".join(words)) == words
    phrase = _VOCABULARY.encode(text, 6)
    assert 1 <= phrase.length <= 6
    assert not phrase.ids[phrase.length :].any()


def _record(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, RECORD).write_bytes(content)
        read_record(folder)


def _coco(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "instances.json")
        path.write_bytes(content)
        instances = read_instances(path)
    sizes = {image["id"]: (image["height"], image["width"]) for image in instances["images"]}
    for annotation in instances["annotations"]:
        height, width = sizes.get(annotation["image_id"], (20, 30))
        if height * width <= LARGEST_MASK:
            assert decode(annotation["segmentation"], height, width).shape == (height, width)


def _refer(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("refs.json", "refs.p"):
            Path(folder, name).write_bytes(content)
            with suppress(IsfpError):
                read_refs(Path(folder, name))


def _picture(content: bytes) -> None:
    """As the page does: the size in the header is checked before anything is decoded."""
    check_picture(content, Limits(megapixels=1))
    frame = pictures.decode(content, "fuzz")
    assert frame.dtype == np.uint8
    assert frame.ndim == 3


def _record_seeds() -> list[bytes]:
    digits, span = "0" * 64, {"min": 1, "opt": 1, "max": 8}
    record = {
        "format": "isfp-engine",
        "version": 1,
        "runtime": "tensorrt",
        "runtime_version": "10.3.0.26",
        "cuda": "12.6",
        "driver": None,
        "gpu": "Orin, 8 multiprocessors",
        "sm": "87",
        "precision": "fp16",
        "plugin_version": "1",
        "sources": {"image.onnx": digits},
        "plans": {stage: {"file": f"{stage}.plan", "sha256": digits, "bytes": 9} for stage in manifest.STAGES},
        "phrases": span,
        "candidates": span,
        "created": "2026-01-01T00:00:00Z",
        "seconds": 1.5,
    }
    return [json.dumps(record).encode()]


def _coco_seeds() -> list[bytes]:
    shapes: list[Any] = [
        [[5, 3, 22, 3, 22, 9, 5, 9]],
        {"size": [20, 30], "counts": [103, 6, 491]},
        {"size": [20, 30], "counts": "W36[?"},
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 20, "width": 30}],
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "bbox": [5, 3, 17, 6], "area": 102, "segmentation": shape}
            for number, shape in enumerate(shapes)
        ],
    }
    return [json.dumps(content).encode()]


def _refer_seeds() -> list[bytes]:
    import pickle

    ref = {"ref_id": 1, "ann_id": 1, "image_id": 1, "split": "train", "sentences": [{"sent": "red mug", "raw": "Red mug."}]}
    return [json.dumps([ref]).encode(), pickle.dumps([ref], protocol=2)]


def _picture_seeds() -> list[bytes]:
    frame = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    return [cv2.imencode(ending, frame)[1].tobytes() for ending in (".jpg", ".png", ".webp", ".bmp", ".tiff")]


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


TARGETS = {
    "manifest": Target(_manifest, lambda: [json.dumps(_EDGE).encode()]),
    "bundle": Target(_bundle, lambda: [_ONNX]),
    "onnx": Target(_onnx, lambda: [_ONNX]),
    "words": Target(_words, lambda: [b"<pad>\n<unknown>\nred\nthe\n"]),
    "phrase": Target(_phrase, lambda: [b"The dog's RED bowl, left.", "ﬁne Ⅷ ½".encode()]),
    "record": Target(_record, _record_seeds),
    "coco": Target(_coco, _coco_seeds),
    "refer": Target(_refer, _refer_seeds),
    "picture": Target(_picture, _picture_seeds),
}
