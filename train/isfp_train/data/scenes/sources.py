"""The scene sources of a run, from a data folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from isfp_train.data.scene import SceneSource
from isfp_train.data.scenes.backdrops import PhotoBackdrops
from isfp_train.data.scenes.compose import ComposedScenes, ProceduralScenes
from isfp_train.data.scenes.photos import PhotoScenes
from isfp_train.data.sprites.coco import Coco, CocoCutouts
from isfp_train.data.sprites.sprites import FolderSprites, fluent_emoji
from isfp_train.errors import ConfigurationError, DataMissingError

KINDS = ("composed", "photo", "procedural")


def scene_sources(shares: Mapping[str, float], data: Path | None, size: int, split: str) -> Sequence[tuple[SceneSource, float]]:
    """Build the sources that `shares` names.

    Args:
        shares: of "composed", "photo" and "procedural" scenes.
        data: folder with `sprites/`, `coco_train/` and `backgrounds/`; only procedural scenes do without.
        size: longer side of a scene in pixels.
        split: "train" or "held_out".

    Raises:
        ConfigurationError: an unknown kind of scene, or no folder for one that needs it.
        DataMissingError: the folder lacks something; the message names it.
    """
    unknown = sorted(set(shares) - set(KINDS))
    if unknown:
        raise ConfigurationError(f"unknown kinds of scenes {unknown} in data.shares; known are {list(KINDS)}")
    wanted = {kind: share for kind, share in shares.items() if share > 0}
    if data is None and set(wanted) - {"procedural"}:
        raise ConfigurationError(
            f"The run wants {sorted(wanted)} scenes, and no data folder is given. Give --data FOLDER "
            "(sprites/, coco_train/, backgrounds/), or take a configuration with procedural scenes alone."
        )
    sources: list[tuple[SceneSource, float]] = []
    if "procedural" in wanted:
        sources.append((ProceduralScenes(size), wanted["procedural"]))
    if data is not None and set(wanted) - {"procedural"}:
        for folder in ("sprites", "coco_train", "backgrounds"):
            if not (data / folder).is_dir():
                raise DataMissingError(f"{data} has no folder {folder}/; docs/training.md says what belongs there.")
        coco = Coco(data / "coco_train" / "images", data / "coco_train" / "instances.json")
        if "photo" in wanted:
            sources.append((PhotoScenes(coco, size=size, photo_ids=coco.split(split)), wanted["photo"]))
        if "composed" in wanted:
            sprites = FolderSprites(data / "sprites", fluent_emoji(), split)
            backgrounds = PhotoBackdrops(data / "backgrounds", split)
            composed = ComposedScenes(sprites, CocoCutouts(coco, split), backgrounds, size)
            sources.append((composed, wanted["composed"]))
    return sources
