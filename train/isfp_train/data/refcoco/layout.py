"""The files of RefCOCO, RefCOCO+, RefCOCOg and gRefCOCO: where they are, and which are missing.

The layout is that of the public REFER tool: `<root>/refcoco/refs(unc).p`, `<root>/refcoco/instances.json`, and COCO's photos
in `<root>/images/mscoco/images/train2014/` or `<root>/train2014/`. To check a folder, run `python -m isfp_train.data.refcoco`.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from isfp_train.errors import ConfigurationError, DataFormatError, DataMissingError


@dataclass(frozen=True)
class Dataset:
    """One of the data sets.

    Attributes:
        folder: its folder below the root.
        refs: its file of expressions: JSON for gRefCOCO, pickles for the others.
        splits: its splits, "train" first.
    """

    folder: str
    refs: str
    splits: tuple[str, ...]


_UNC = ("train", "val", "testA", "testB")
DATASETS = {
    "refcoco": Dataset("refcoco", "refs(unc).p", _UNC),
    "refcoco+": Dataset("refcoco+", "refs(unc).p", _UNC),
    "refcocog": Dataset("refcocog", "refs(umd).p", ("train", "val", "test")),
    "refcocog-google": Dataset("refcocog", "refs(google).p", ("train", "val")),
    "grefcoco": Dataset("grefcoco", "grefs(unc).json", _UNC),
}
PHOTOS = ("images/mscoco/images/train2014", "images/train2014", "train2014")


@dataclass(frozen=True)
class Layout:
    """The files of one data set, all of which exist."""

    refs: Path
    instances: Path
    photos: Path


def find_layout(name: str, root: Path) -> Layout:
    """Find the files of a data set below `root`, which can also be the data set's own folder.

    Raises:
        ConfigurationError: the data set is unknown.
        DataMissingError: files are missing; the message lists all of them, and where they were expected.
    """
    dataset = _dataset(name)
    own = root if (root / dataset.refs).is_file() or (root / "instances.json").is_file() else root / dataset.folder
    places = [base / photos for base in dict.fromkeys((own, own.parent, root)) for photos in PHOTOS]
    photos = next((place for place in places if place.is_dir()), None)
    missing = [f"{own / file}" for file in (dataset.refs, "instances.json") if not (own / file).is_file()]
    if photos is None:
        missing.append("COCO's train2014 photos, in one of " + ", ".join(map(str, places)))
    if missing or photos is None:
        raise DataMissingError(
            f"{name} is incomplete in {root}. Missing: {'; '.join(missing)}. The expressions come from the REFER project "
            "(gRefCOCO's from its own), the photos from COCO 2014."
        )
    return Layout(own / dataset.refs, own / "instances.json", photos)


def splits_of(name: str) -> tuple[str, ...]:
    """The splits of a data set, "train" first."""
    return _dataset(name).splits


def read_refs(path: Path) -> list[dict[str, Any]]:
    """Read a file of expressions.

    A pickle may only contain plain containers, numbers and text. If it names a class, it is refused before an object is created.

    Raises:
        DataFormatError: the file is not a list of expressions, or is a pickle with other values.
    """
    try:
        if path.suffix == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
        else:
            with path.open("rb") as file:
                content = _PlainUnpickler(file, encoding="latin1").load()  # written by Python 2
    except _UNREADABLE as error:
        raise DataFormatError(f"{path} cannot be read as REFER's expressions: {error}") from error
    needed = {"ref_id", "ann_id", "image_id", "split", "sentences"}
    if not isinstance(content, list) or not all(isinstance(ref, dict) and needed <= ref.keys() for ref in content):
        raise DataFormatError(f"{path} is not a list of expressions with {', '.join(sorted(needed))}, as in REFER's files.")
    for number, ref in enumerate(content):
        if fault := _fault(ref):
            raise DataFormatError(f"{path}, expression {number} (ref_id {ref['ref_id']!r}): {fault}.")
    return content


def _fault(ref: dict[str, Any]) -> str:
    """Say which field of an expression is of another type than REFER's; nothing if none is."""
    ids = ref["ann_id"] if isinstance(ref["ann_id"], list) else [ref["ann_id"]]
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (ref["image_id"], *ids)):
        return f"image_id and ann_id are {ref['image_id']!r} and {ref['ann_id']!r}; expected whole numbers"
    if not isinstance(ref["split"], str):
        return f"split is {ref['split']!r}; expected text"
    sentences = ref["sentences"]
    if not isinstance(sentences, list) or not all(isinstance(sentence, dict) for sentence in sentences):
        return "sentences is not a list of objects"
    if not all(isinstance(sentence.get(key, ""), str) for sentence in sentences for key in ("sent", "raw")):
        return "a sentence is not text"
    return ""


#: What damaged JSON and pickles raise.
_UNREADABLE: tuple[type[Exception], ...] = (
    pickle.UnpicklingError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
)
_UNREADABLE += (RecursionError, MemoryError)


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it names {module}.{name}; plain containers, numbers and text were expected")


def _dataset(name: str) -> Dataset:
    if name not in DATASETS:
        raise ConfigurationError(f"There is no data set {name!r}; expected any of {', '.join(DATASETS)}.")
    return DATASETS[name]
