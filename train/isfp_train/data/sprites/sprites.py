"""Sprites: pictures of single objects with an alpha channel, from a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from isfp import FrameError, pictures
from isfp.files.read_file import read_json
from isfp_train.data.scene import in_split
from isfp_train.data.sprites.colours import COLOURS, colour_of, recolour
from isfp_train.errors import DataFormatError, DataMissingError

HELD_OUT_SHARE = 0.08


@dataclass(frozen=True)
class Sprite:
    """A picture of one object.

    Attributes:
        rgba: uint8 `[h,w,4]`, straight alpha.
        names: as in `SceneObject`.
        kind: as in `SceneObject`.
        colour: as in `SceneObject`.
        tilts: whether the object looks natural when rotated by more than a few degrees.
    """

    rgba: np.ndarray
    names: tuple[str, ...]
    kind: str
    colour: str | None
    tilts: bool = True


class SpriteSource(Protocol):
    """A source of sprites by kind."""

    @property
    def kinds(self) -> Sequence[str]:
        """All kinds, in a fixed order."""
        ...

    def sprite(self, kind: str, rng: np.random.Generator, colour: str | None = None) -> Sprite:
        """A random sprite of a kind, in `colour` if the kind can have it."""
        ...


@dataclass(frozen=True)
class _Entry:
    path: Path
    names: tuple[str, ...]
    kind: str
    recolour: bool


class FolderSprites:
    """RGBA pictures of a folder with an `index.json`: a list of `{"file": ..., "name": ...}`.

    `table` gives names, kinds, and which objects can be recoloured; files that it lacks are left out. Without a table, names come
    from the index, or from the file names.

    Args:
        folder: folder of the pictures.
        table: file name -> `{"names": [...], "kind": ..., "recolour": bool}`; `fluent_emoji` is one.
        split: "train", "held_out" (about 8 % of the files, by the hash of the file's name) or "all".

    Raises:
        DataMissingError: the folder does not exist.
        DataFormatError: there is no picture of that split, or the index is not a list of sprites.
    """

    def __init__(self, folder: str | Path, table: dict[str, dict] | None = None, split: str = "train") -> None:
        folder = Path(folder)
        if not folder.is_dir():
            raise DataMissingError(f"There is no folder of sprites at {folder}.")
        entries: dict[str, list[_Entry]] = {}
        for file, name in _listing(folder):
            if not in_split(file, HELD_OUT_SHARE, split) or (table is not None and file not in table):
                continue
            known: dict[str, Any] = table[file] if table is not None else {"names": [name], "kind": name, "recolour": False}
            entry = _Entry(folder / file, tuple(known["names"]), known["kind"], bool(known["recolour"]))
            entries.setdefault(entry.kind, []).append(entry)
        if not entries:
            raise DataFormatError(f"No sprite of split {split!r} in {folder}; expected index.json or RGBA pictures.")
        self._entries = {kind: entries[kind] for kind in sorted(entries)}

    @property
    def kinds(self) -> Sequence[str]:
        """All kinds, sorted."""
        return tuple(self._entries)

    @property
    def files(self) -> list[str]:
        """Sorted names of the files in use."""
        return sorted(entry.path.name for group in self._entries.values() for entry in group)

    def sprite(self, kind: str, rng: np.random.Generator, colour: str | None = None) -> Sprite:
        """A random sprite of a kind, in `colour` if the table allows it and the picture has a main colour."""
        group = self._entries[kind]
        entry = group[int(rng.integers(len(group)))]
        rgba, own = _load(entry.path)
        if colour is not None and entry.recolour:
            painted = recolour(rgba, colour, rng)
            if painted is not None:
                return Sprite(painted, entry.names, kind, colour)
        return Sprite(rgba, entry.names, kind, own)


def fluent_emoji() -> dict[str, dict]:
    """The project's table of those Fluent 3D emoji (MIT) that have common names: file -> names, kind, recolour."""
    text = resources.files("isfp_train.data.sprites").joinpath("fluent_emoji.json").read_text(encoding="utf-8")
    return json.loads(text)


def _listing(folder: Path) -> list[tuple[str, str]]:
    """Sorted (file, name) of a folder of sprites."""
    index = folder / "index.json"
    if index.is_file():
        listed = read_json(index, "a list of sprites", DataFormatError)
        if not isinstance(listed, list):
            raise DataFormatError(f"{index} holds a {type(listed).__name__}; expected a list of sprites.")
        for number, entry in enumerate(listed):
            named = isinstance(entry, dict) and isinstance(entry.get("file"), str) and isinstance(entry.get("name", ""), str)
            if not named or Path(entry["file"]).name != entry["file"]:
                raise DataFormatError(f"{index}, entry {number}: {entry!r:.80}; expected a file name in this folder, and a name.")
        return sorted((entry["file"], _plain(entry.get("name", entry["file"]))) for entry in listed)
    files = [path.name for path in folder.iterdir() if path.suffix.lower() in (".png", ".webp")]
    return sorted((file, _plain(Path(file).stem)) for file in files)


def _plain(name: str) -> str:
    """A name of lower-case words and digits, without colour words, which may not match the lighting."""
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).split()
    return " ".join(word for word in words if word not in COLOURS) or " ".join(words)


@lru_cache(maxsize=2048)
def _load(path: Path) -> tuple[np.ndarray, str | None]:
    """The visible part of a picture, RGBA uint8 `[h,w,4]`, and its colour word."""
    try:
        image = pictures.read(path, alpha=True)
    except FrameError as error:
        raise DataFormatError(f"{error} A sprite is an RGBA picture.") from error
    if image.shape[2] != 4:
        raise DataFormatError(f"{path} is not an RGBA picture with 8 bits a channel; a sprite needs an alpha channel.")
    rgba = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)
    ys, xs = np.nonzero(rgba[..., 3] > 8)
    if len(ys) == 0:
        raise DataFormatError(f"{path} is fully transparent.")
    rgba = np.ascontiguousarray(rgba[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])
    return rgba, colour_of(rgba)
