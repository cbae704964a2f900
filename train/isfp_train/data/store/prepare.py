"""Fill a store with scenes from the sources, and with their backbone maps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from isfp.steps.letterbox import Framing
from isfp_train.data.scene import Scene
from isfp_train.data.store.scene_pool import Sources, scene_pool
from isfp_train.data.store.store import FILL, claim, shard_folders, write_shard
from isfp_train.network.backbone import Backbone

BATCH = 8
SHARD = 500


def prepare(
    folder: Path,
    sources: Sources,
    count: int,
    seed: int,
    size: int,
    made_of: dict[str, Any],
    backbone: Backbone | None = None,
    workers: int = 0,
) -> None:
    """Fill a store. Existing shards are kept, so that an interrupted run continues where it stopped.

    Args:
        folder: folder of the store.
        sources: sources of scenes, with their shares.
        count: total number of scenes.
        seed: seed of the first scene; scene n has seed + n.
        size: side of the network's input in pixels.
        made_of: description of the sources; a store made from anything else is refused.
        backbone: if given, its maps are stored.
        workers: number of processes that generate scenes; 0 uses the main process.

    Raises:
        ConfigurationError: the folder contains other scenes.
    """
    maps = None if backbone is None else f"{type(backbone.body).__name__} {_fingerprint(backbone)}"
    claim(folder, {"count": count, "seed": seed, "size": size, "maps": maps, "made_of": made_of})
    done = {path.name for path in shard_folders(folder)}
    shards = [(f"shard-{seed + first:08d}", seed + first, min(SHARD, count - first)) for first in range(0, count, SHARD)]
    missing = [shard for shard in shards if shard[0] not in done]
    if not missing:
        return
    with Progress(transient=True) as progress, scene_pool(sources, workers) as pool:
        task = progress.add_task(f"Scenes for {folder.name}", total=sum(shard[2] for shard in missing))
        for name, first, length in missing:
            scenes = pool.scenes(range(first, first + length))
            write_shard(folder / name, _with_maps(scenes, backbone, size, lambda n: progress.advance(task, n)), size)


def _fingerprint(backbone: Backbone) -> str:
    """Tell backbones apart by their weights: maps of another one must not be taken for this one's."""
    found = hashlib.sha256()
    for value in backbone.state_dict().values():
        found.update(value.contiguous().cpu().numpy().tobytes())
    return found.hexdigest()[:16]


def _with_maps(
    scenes: Iterator[Scene], backbone: Backbone | None, size: int, advance: Callable[[int], None]
) -> Iterator[tuple[Scene, tuple[np.ndarray, ...]]]:
    framing = Framing(size, size, FILL)
    while batch := list(islice(scenes, BATCH)):
        levels: list[tuple[np.ndarray, ...]] = [()] * len(batch)
        if backbone is not None:
            views = torch.from_numpy(np.concatenate([framing.fit(scene.image)[0] for scene in batch]))
            with torch.inference_mode():
                maps = [level.numpy() for level in backbone(views)]
            levels = [tuple(level[index] for level in maps) for index in range(len(batch))]
        yield from zip(batch, levels, strict=True)
        advance(len(batch))
