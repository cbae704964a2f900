"""A bundle's `manifest.json` (format version 1), and its validation."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from isfp.errors import BundleCorruptError, BundleVersionError
from isfp.steps.arguments import shortened
from isfp.steps.letterbox import Framing

FORMAT, VERSION = "isfp-bundle", 1
# No honest bundle comes near these; without them a manifest could ask for any amount of memory.
LARGEST_FILE, LARGEST_SIDE, LARGEST_TENSOR = 2 << 30, 1 << 16, 1 << 28  # bytes (protobuf's own limit), one axis, values
LONGEST_TEXT, _DEEPEST, _LONGEST_SHOWN = 255, 64, 500
REMEDY = "Download the bundle again, or export it again: isfp export CHECKPOINT --out NAME.isfp"

#: The dynamic axes of the stages: the number of phrases, and of masks for each phrase.
PHRASES_AXIS, CANDIDATES_AXIS = "P", "K"

# Inputs and outputs of each stage. Dimensions: numbers are fixed, H W L S are in the manifest, the others are free.
_VISUAL = dict.fromkeys(("visual_large", "visual_medium", "visual_small"), ("float32", 1, "C", "h", "w"))
_FRAME = {"frame": ("uint8", 1, "H", "W", 3)}
_PHRASES = {"phrases": ("float32", PHRASES_AXIS, "C")}
STAGES: dict[str, tuple[dict[str, tuple], dict[str, tuple]]] = {
    "image": (_FRAME, _VISUAL),
    "text": ({"words": ("int32", PHRASES_AXIS, "L"), "lengths": ("int32", PHRASES_AXIS)}, _PHRASES),
    "identify": ({**_VISUAL, **_PHRASES}, {"identifying": ("float32", PHRASES_AXIS, "S", "S")}),
    "mask": (
        {**_FRAME, **_VISUAL, **_PHRASES, "cells": ("int32", PHRASES_AXIS, CANDIDATES_AXIS)},
        {"masks": ("float32", PHRASES_AXIS, CANDIDATES_AXIS, "H", "W")},
    ),
}
#: Float values that go from stage to stage and that the host neither makes nor reads: an engine may hold them in half precision.
BETWEEN_STAGES = frozenset(_VISUAL)
#: The stage that engines may have besides: `image`, `identify`, the lookup and `mask` in one graph. Bundles have no file for it.
FIND = "find"


@dataclass(frozen=True)
class Tensor:
    """One named input or output of a stage; dynamic dimensions are texts, such as `"P"`."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Stage:
    """One stage of the network: its file in the bundle, and what goes in and out."""

    name: str
    file: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and SHA-256 of one file of the bundle."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """A manifest that has passed every check.

    Attributes:
        name: the model's name.
        framing: how frames are letterboxed for the network.
        max_words: L, the number of words of a phrase that the network reads.
        noun_required: whether a phrase must name an object or say which one; "the" and "the red zork" then find nothing. False for
            a network that learned such phrases. `text.noun_required` in the file, true if absent.
        grid: S, the identifying map's rows and columns.
        found_threshold: minimum score for a match, a probability of the identifying map, 0 to 1.
        mask_threshold: the mask's probability above which a pixel belongs to the object, between 0 and 1.
        stages: the four stages by name.
        files: the bundle's files by their path in it.
        fields: everything, as in the file.
    """

    name: str
    framing: Framing
    max_words: int
    noun_required: bool
    grid: int
    found_threshold: float
    mask_threshold: float
    stages: dict[str, Stage]
    files: dict[str, FileRecord]
    fields: dict[str, Any]

    def stage(self, name: str) -> Stage:
        """Return a stage by name: one of the four, or `FIND`, which has no file in the bundle."""
        return self._find if name == FIND else self.stages[name]

    @property
    def _find(self) -> Stage:
        image, identify, mask = (self.stages[name] for name in ("image", "identify", "mask"))
        masks = mask.outputs[0]
        return Stage(
            FIND,
            "",
            (*image.inputs, *(tensor for tensor in identify.inputs if tensor.name == "phrases")),
            (
                *image.outputs,
                *identify.outputs,
                Tensor("cells", "int32", (PHRASES_AXIS, 1)),
                Tensor(masks.name, masks.dtype, (masks.shape[0], 1, *masks.shape[2:])),
            ),
        )


def digest(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest's canonical JSON, its own `sha256` field left out."""
    rest = {key: value for key, value in fields.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def parse(content: bytes) -> Manifest:
    """Read and check a manifest.

    Raises:
        BundleCorruptError: it is not a manifest, was changed, or a field is missing or invalid.
        BundleVersionError: it has another format version.
    """
    try:
        fields = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BundleCorruptError(f"manifest.json is not valid JSON ({error}); expected a bundle's manifest. {REMEDY}") from error
    if _deeper(fields, _DEEPEST):
        raise BundleCorruptError(f"manifest.json nests more than {_DEEPEST} levels; expected a bundle's. {REMEDY}")
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        found = fields.get("format") if isinstance(fields, dict) else f"a {type(fields).__name__}"
        raise BundleCorruptError(f"manifest.json has the format {_shown(found)}; expected {FORMAT!r}. {REMEDY}")
    version = fields.get("version")
    if version != VERSION or isinstance(version, bool):
        raise BundleVersionError(
            f"The bundle has the format version {_shown(version)}; this SDK reads version {VERSION}. "
            "Upgrade the SDK (pip install --upgrade isfp), or export the bundle again with this one."
        )
    try:
        found, expected = fields.get("sha256"), digest(fields)
    except UnicodeEncodeError as error:
        raise BundleCorruptError(f"manifest.json contains text that is not Unicode ({error}). {REMEDY}") from error
    if found != expected:
        raise BundleCorruptError(
            f"manifest.json was changed: its sha256 field is {_shown(found)}, its content gives {expected!r}. {REMEDY}"
        )
    return check(fields)


def _deeper(value: Any, most: int) -> bool:
    """Whether lists and objects are nested more than so many levels. Needs no recursion, which has limits of its own."""
    level = [value]
    for _ in range(most):
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [value for values in inner for value in values]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)


def check(fields: dict[str, Any]) -> Manifest:
    """Check a manifest's fields, all but its `sha256`.

    Raises:
        BundleCorruptError: a field is missing, of the wrong type or out of range; the message names it.
    """
    files = {}
    for path in _get(fields, "files", dict):
        check_path(path)
        record = _get(fields, ("files", path), dict)
        sha256, size = record.get("sha256"), record.get("bytes")
        if not (isinstance(sha256, str) and len(sha256) == 64 and _is_size(size)):
            raise _unsound(
                ("files", path), record, f"a sha256 of 64 hexadecimal digits and a number of bytes, at most {LARGEST_FILE}"
            )
        files[path] = FileRecord(sha256, size)
    if "words.txt" not in files:
        raise _unsound("files", sorted(files), "'words.txt' among them")

    height = _whole(fields, ("preprocessing", "height"), 1, 8192)
    width = _whole(fields, ("preprocessing", "width"), 1, 8192)
    if (channels := _get(fields, ("preprocessing", "channels"), str)) != "bgr":
        raise _unsound(("preprocessing", "channels"), channels, "'bgr'")
    max_words, grid = _whole(fields, ("text", "max_words"), 1, 1024), _whole(fields, "grid", 1, 256)
    sizes = {"H": height, "W": width, "L": max_words, "S": grid}
    noun_required = fields["text"].get("noun_required", True)
    if not isinstance(noun_required, bool):
        raise _unsound(("text", "noun_required"), noun_required, "true or false")
    mask_threshold = _probability(fields, ("threshold", "mask"))
    if not 0 < mask_threshold < 1:
        raise _unsound(("threshold", "mask"), mask_threshold, "a number between 0 and 1")
    return Manifest(
        name=_get(fields, "name", str),
        framing=Framing(height, width, _whole(fields, ("preprocessing", "fill"), 0, 255)),
        max_words=max_words,
        noun_required=noun_required,
        grid=grid,
        found_threshold=_probability(fields, ("threshold", "found")),
        mask_threshold=mask_threshold,
        stages={name: _stage(fields, name, sizes, files) for name in STAGES},
        files=files,
        fields=fields,
    )


def check_path(path: str) -> None:
    """Refuse a file name that is absolute, climbs out of the bundle, or means different files on different systems."""
    plain = path.isprintable() and not set(path) & set('\\:*?"<>|')
    if not plain or any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > LONGEST_TEXT for part in path.split("/")):
        raise BundleCorruptError(
            f"manifest.json names the file {_shown(path)}; expected a plain path inside the bundle, such as 'image.onnx'. "
            "Do not use this bundle: download it again from a source that you trust."
        )


def _stage(fields: dict, name: str, sizes: dict[str, int], files: dict[str, FileRecord]) -> Stage:
    file = _get(fields, ("stages", name, "file"), str)
    if file not in files:
        raise _unsound(("stages", name, "file"), file, "a file that is listed under 'files'")
    inputs, outputs = STAGES[name]
    return Stage(
        name,
        file,
        _tensors(fields, ("stages", name, "inputs"), inputs, sizes),
        _tensors(fields, ("stages", name, "outputs"), outputs, sizes),
    )


def _tensors(fields: dict, path: tuple, contract: dict[str, tuple], sizes: dict[str, int]) -> tuple[Tensor, ...]:
    tensors = []
    for entry in _get(fields, path, list):
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not isinstance(shape, list) or not all(map(_is_axis, shape)) or not _is_small(shape):
            raise _unsound(path, entry, f"a name, a dtype and a shape for each, of at most {LARGEST_TENSOR} values")
        tensors.append(Tensor(str(entry.get("name")), str(entry.get("dtype")), tuple(shape)))
    if sorted(tensor.name for tensor in tensors) != sorted(contract):
        raise _unsound(path, [tensor.name for tensor in tensors], f"the tensors {list(contract)}")
    for tensor in tensors:
        dtype, *shape = contract[tensor.name]
        wanted = [sizes.get(size, size) for size in shape]
        fits = len(wanted) == len(tensor.shape) and all(
            _fits(found, want) for found, want in zip(tensor.shape, wanted, strict=True)
        )
        if not fits or tensor.dtype != dtype:
            raise _unsound((*path, tensor.name), f"{tensor.dtype} {list(tensor.shape)}", f"{dtype} {wanted}")
    return tuple(tensors)


def _fits(found: int | str, want: int | str) -> bool:
    """Whether an axis is what the contract says: a given size, dynamic (P, K), or any size, but a fixed one (C, h, w)."""
    if want in (PHRASES_AXIS, CANDIDATES_AXIS) or isinstance(want, int):
        return found == want
    return isinstance(found, int)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_FILE


def _is_small(shape: list[int | str]) -> bool:
    return prod(size for size in shape if isinstance(size, int)) <= LARGEST_TENSOR


def _is_axis(value: object) -> bool:
    """A number of rows or the like, or the name of a dynamic axis."""
    if isinstance(value, str):
        return value.isprintable() and len(value) <= LONGEST_TEXT
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_SIDE


def _get(fields: dict, path: str | tuple, kind: type) -> Any:
    value: Any = fields
    for key in (path,) if isinstance(path, str) else path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, kind):
        raise _unsound(path, value, {"dict": "an object", "list": "a list", "str": "text"}[kind.__name__])
    return value


def _whole(fields: dict, path: str | tuple, low: int, high: int) -> int:
    value = _get(fields, path, object)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _unsound(path, value, f"a whole number from {low} to {high}")
    return value


def _probability(fields: dict, path: tuple) -> float:
    value = _get(fields, path, object)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1 or math.isnan(value):
        raise _unsound(path, value, "a number from 0 to 1")
    return float(value)


def _unsound(path: str | tuple, found: object, expected: str) -> BundleCorruptError:
    field = shortened(path if isinstance(path, str) else ".".join(map(str, path)), _LONGEST_SHOWN)
    return BundleCorruptError(f"manifest.json: {field} is {_shown(found)}; expected {expected}. {REMEDY}")


def _shown(found: object) -> str:
    """A value as an error shows it: not all of a bundle's text."""
    return shortened(repr(found), _LONGEST_SHOWN)


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")
