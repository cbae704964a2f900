"""The sources of scenes of a run, from a data folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from isfp_train.data.phrases.written import WrittenPhrase, read_written
from isfp_train.data.scene import SceneSource
from isfp_train.data.scenes.annotated import AnnotatedPhotos, PhotoSet, open_folder
from isfp_train.data.scenes.backdrops import PhotoBackdrops
from isfp_train.data.scenes.compose import ComposedScenes, ProceduralScenes
from isfp_train.data.scenes.people import PeopleScenes
from isfp_train.data.scenes.photos import PhotoScenes
from isfp_train.data.sprites.clothing import ClothedPeople
from isfp_train.data.sprites.coco import Coco, CocoCutouts
from isfp_train.data.sprites.sprites import FolderSprites, fluent_emoji
from isfp_train.errors import ConfigurationError, DataMissingError

Writers = Literal["all", "data", "project"]
KINDS = ("composed", "photo", "annotated", "people", "procedural")
#: How often a photo of these folders is chosen, relative to photos of the others.
WEIGHTS = {"coco_train": 2.0, "home_kitchen": 2.0, "grasp_bench": 3.0, "clothing": 0.4, "rendered": 0.8}
#: Phrases that contributors of this project wrote about the photos.
OWN_PHRASES = Path(__file__).parents[1] / "phrases" / "written_phrases.jsonl"


def scene_sources(shares: Mapping[str, float], data: Path | None, size: int, split: str) -> Mapping[str, tuple[SceneSource, float]]:
    """Build the sources named in `shares`.

    Args:
        shares: shares of "composed", "photo", "annotated", "people" and "procedural" scenes.
        data: folder with `sprites/`, `coco_train/` and `backgrounds/`, and optionally `more/`, `clothing/`, `pedestrians/` and
            `rendered/` for annotated photos; people need `clothing/`, procedural scenes need no data.
        size: longer side of a scene in pixels.
        split: "train" or "held_out".

    Raises:
        ConfigurationError: a kind of scene is unknown, or needs a data folder.
        DataMissingError: the folder is incomplete; the message names what is missing.
    """
    unknown = sorted(set(shares) - set(KINDS))
    if unknown:
        raise ConfigurationError(f"data.shares has unknown kinds of scenes, {unknown}; expected any of {list(KINDS)}.")
    wanted = {kind: share for kind, share in shares.items() if share > 0}
    if data is None and set(wanted) - {"procedural"}:
        raise ConfigurationError(
            f"The run needs a data folder for its {sorted(wanted)} scenes. Give --data FOLDER (sprites/, coco_train/, "
            "backgrounds/), or use a configuration with procedural scenes only."
        )
    total = sum(wanted.values())
    shared = {kind: share / total for kind, share in wanted.items()}
    sources: dict[str, tuple[SceneSource, float]] = {}
    if "procedural" in wanted:
        sources["procedural"] = ProceduralScenes(size), shared["procedural"]
    if data is not None and set(wanted) - {"procedural"}:
        for folder in ("sprites", "coco_train", "backgrounds"):
            if not (data / folder).is_dir():
                raise DataMissingError(f"{data} has no folder {folder}/. docs/training.md describes its contents.")
        coco = Coco(data / "coco_train" / "images", data / "coco_train" / "instances.json")
        if "photo" in wanted:
            sources["photo"] = PhotoScenes(coco, size=size, photo_ids=coco.split(split)), shared["photo"]
        if "annotated" in wanted:
            sources["annotated"] = AnnotatedPhotos(photo_sets(data, split), size), shared["annotated"]
        if "people" in wanted:
            if not (data / "clothing" / "instances.json").is_file():
                raise DataMissingError(
                    f"{data} has no clothing/instances.json, which scenes of kind 'people' need. docs/training.md describes it; "
                    "or leave 'people' out of data.shares."
                )
            people = ClothedPeople(Coco(data / "clothing"), split)
            sources["people"] = PeopleScenes(people, PhotoBackdrops(data / "backgrounds", split), size), shared["people"]
        if "composed" in wanted:
            sprites = FolderSprites(data / "sprites", fluent_emoji(), split)
            backgrounds = PhotoBackdrops(data / "backgrounds", split)
            sources["composed"] = ComposedScenes(sprites, CocoCutouts(coco, split), backgrounds, size), shared["composed"]
    return sources


def written_phrases(data: Path, which: Writers = "all") -> Mapping[tuple[str, int], tuple[WrittenPhrase, ...]]:
    """The phrases that people wrote about the photos of a data folder, by source and image id.

    Args:
        data: the folder.
        which: "data" for phrases in the folder, "project" for phrases that this project wrote about its photos, "all" for both.
    """
    found: dict[tuple[str, int], tuple[WrittenPhrase, ...]] = {}
    if which != "project":
        found |= read_written([data / "coco_train" / "human_refs.json"], "coco_train")
        if (data / "more" / "human_refs.json").is_file():
            found |= read_written([data / "more" / "human_refs.json"])
    if which != "data":
        for key, phrases in read_written([OWN_PHRASES]).items():
            found[key] = (*found.get(key, ()), *phrases)
    return found


def photo_sets(data: Path, split: str, which: Writers = "all") -> list[PhotoSet]:
    """The folders of annotated photos: `coco_train/`, and if they exist `more/*/`, `clothing/`, `pedestrians/` and `rendered/`."""
    own = (data / name for name in ("clothing", "pedestrians", "rendered"))
    folders = [data / "coco_train", *sorted((data / "more").glob("*/")), *own]
    written = written_phrases(data, which)
    present = [folder for folder in folders if (folder / "instances.json").is_file()]
    sets = [open_folder(folder, written, split, WEIGHTS.get(folder.name, 1.0)) for folder in present]
    return [photos for photos in sets if photos.photo_ids]
