"""Scenes on disk, ready for the network: letterboxed pictures, masks, and the maps of a frozen backbone.

A frozen backbone always gives the same maps for a picture, so they are computed once. A store is a folder of shards. A shard is a
folder of arrays that are mapped into memory; it gets its name only when it is complete.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from isfp.bundle.atomic_folder import atomic_folder
from isfp.files.atomic_file import write_json
from isfp.files.read_file import read_json
from isfp.steps.letterbox import Framing
from isfp_train.data.scene import Expression, Made, Scene, SceneObject
from isfp_train.errors import ConfigurationError, DataFormatError

FILL = 128
OBJECTS = "things"  # key of a scene's objects in scenes.json, unchanged since format 1
FORMAT = 3  # version of a store's content; since 3, a scene says which phrases may be generated about it


@dataclass(frozen=True)
class StoredScene:
    """One scene, ready for the network.

    Attributes:
        view: letterboxed picture, uint8 RGB `[H,W,3]`.
        objects: objects, measured at the scene's original size, without masks.
        size: original height and width of the scene.
        packed: masks in the letterboxed picture, as packed bits `[T,H,W/8]`.
        maps: backbone maps float16 `[C,h,w]` at strides 8, 16, 32; empty if none are stored.
        source: kind of scene.
        expressions: phrases that people wrote about it; empty if phrases are only generated.
        made: which phrases may be generated, as in `Scene`.
        absent: names of objects that are certainly absent.
    """

    view: np.ndarray
    objects: tuple[SceneObject, ...]
    size: tuple[int, int]
    packed: np.ndarray
    maps: tuple[np.ndarray, ...]
    source: str
    expressions: tuple[Expression, ...] = ()
    made: Made = "all"
    absent: tuple[str, ...] = ()

    def mask(self, obj: int) -> np.ndarray:
        """Mask of one object in the letterboxed picture, bool `[H,W]`."""
        return np.unpackbits(self.packed[obj], axis=-1).astype(bool)


#: What a store's files hold, for errors about them.
_OWN = "what an earlier run stored there: remove this folder, and it is made again"


class Shard:
    """A folder of scenes, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = read_json(folder / "scenes.json", _OWN, DataFormatError)

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return {path.stem: np.load(path, mmap_mode="r") for path in sorted(self.folder.glob("*.npy"))}

    def __getitem__(self, index: int) -> StoredScene:
        record, arrays = self.records[index], self._arrays
        objects = tuple(
            SceneObject(
                tuple(t["names"]), t["kind"], t["colour"], tuple(t["box"]), tuple(t["centre"]), t["area"], t["nameable"], None
            )
            for t in record[OBJECTS]
        )
        first = record["first_mask"]
        maps = tuple(arrays[f"map{level}"][index] for level in range(3)) if "map0" in arrays else ()
        return StoredScene(
            arrays["views"][index],
            objects,
            tuple(record["size"]),
            arrays["masks"][first : first + len(objects)],
            maps,
            record["source"],
            tuple(_expression(written) for written in record.get("expressions", ())),
            record["made"],
            tuple(record["absent"]),
        )


def _expression(written: dict) -> Expression:
    return Expression(written["text"], written["target"], written["kind"], also=tuple(written["also"]))


class Store:
    """All shards in a folder and its subfolders, as one sequence of scenes."""

    def __init__(self, folder: str | Path) -> None:
        folders = [Path(folder), *sorted(path for path in Path(folder).glob("*/") if not path.name.startswith(("shard-", ".")))]
        self.shards = [Shard(path) for own in folders for path in shard_folders(own)]
        self.starts = np.cumsum([0] + [len(shard) for shard in self.shards])

    def __len__(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def entries(self) -> np.ndarray:
        """Scenes of one pass `[N]`: each once, or once per written phrase if no phrases are generated about it."""
        records = [record for shard in self.shards for record in shard.records]
        counts = [len(record.get("expressions", ())) or 1 if record["made"] == "none" else 1 for record in records]
        return np.repeat(np.arange(len(self)), counts)

    def __getitem__(self, index: int) -> StoredScene:
        shard = int(np.searchsorted(self.starts, index, side="right")) - 1
        return self.shards[shard][index - int(self.starts[shard])]


def shard_folders(folder: str | Path) -> list[Path]:
    """The complete shards of a store, sorted by name."""
    return sorted(path for path in Path(folder).glob("shard-*") if (path / "scenes.json").is_file())


def claim(folder: Path, identity: dict[str, Any]) -> None:
    """Record what a store's folder contains, or compare it with what was recorded before.

    Raises:
        ConfigurationError: the folder contains something else, or shards of unknown origin.
        WriteError: it cannot be recorded.
    """
    about = folder / "store.json"
    wanted = json.loads(json.dumps({"format": FORMAT, **identity}))
    if about.is_file():
        found = read_json(about, _OWN, DataFormatError)
        other = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        if other:
            differences = "; ".join(f"{name} is {found.get(name)!r}, expected {wanted.get(name)!r}" for name in other)
            raise ConfigurationError(
                f"{folder} contains other scenes: {differences}. Give another --cache folder, or remove this one."
            )
        return
    if shard_folders(folder):
        raise ConfigurationError(f"{folder} contains shards but no store.json. Give another --cache folder, or remove this one.")
    write_json(about, wanted)


def write_shard(folder: Path, scenes: Iterator[tuple[Scene, tuple[np.ndarray, ...]]], size: int) -> int:
    """Write one shard, which gets its name when it is complete.

    Args:
        folder: folder of the shard, `.../shard-NAME`.
        scenes: scenes, each with its backbone maps `[C,h,w]` at three strides, or none if no maps are stored.
        size: side of the network's input in pixels.

    Returns:
        Number of scenes that were written.

    Raises:
        WriteError: it cannot be written.
    """
    framing = Framing(size, size, FILL)
    views: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    records: list[dict] = []
    maps: tuple[list[np.ndarray], ...] = ([], [], [])
    for scene, levels in scenes:
        view, _ = framing.fit(scene.image)
        records.append(
            {
                "source": scene.source,
                "size": scene.image.shape[:2],
                "first_mask": len(masks),
                "made": scene.made,
                "absent": scene.absent,
                **({"expressions": [asdict(written) for written in scene.expressions]} if scene.expressions else {}),
                OBJECTS: [
                    {
                        "names": obj.names,
                        "kind": obj.kind,
                        "colour": obj.colour,
                        "box": [float(v) for v in obj.box],
                        "centre": [float(v) for v in obj.centre],
                        "area": float(obj.area),
                        "nameable": bool(obj.nameable),
                    }
                    for obj in scene.objects
                ],
            }
        )
        views.append(view[0])
        for obj in scene.objects:
            assert obj.mask is not None
            masks.append(np.packbits(framing.fit_mask(obj.mask) >= 0.5, axis=-1))
        for kept, level in zip(maps, levels, strict=False):
            kept.append(level.astype(np.float16))
    with atomic_folder(folder) as new:
        np.save(new / "views.npy", np.stack(views))
        np.save(new / "masks.npy", np.stack(masks) if masks else np.zeros((0, size, size // 8), np.uint8))
        for stride, values in enumerate(maps):
            if values:
                np.save(new / f"map{stride}.npy", np.stack(values))
        (new / "scenes.json").write_text(json.dumps(records))
    return len(records)
