"""Make test scenes and phrases that share nothing with the generator of training: python tools/other_scenes.py DATA OUT --count 150

Scenes are composed of sprites and cut-outs with layouts and wordings of this tool's own. Half of them, in OUT/coco_train/, show
only sprites that training never sees; the other half, in OUT/more/known_sprites/, sprites of training. Cut-outs and backgrounds are
held out in both. `isfp eval MODEL --data OUT --phrases human` measures a model on them; nothing of them may be trained on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from pycocotools import mask as rle
from rich.progress import track

from isfp.errors import IsfpError
from isfp.files.atomic_file import write_bytes, write_json
from isfp.pictures import ENDINGS
from isfp_train.data.scene import SceneObject, held_out, in_split, measure
from isfp_train.data.scenes.backdrops import HELD_OUT_SHARE
from isfp_train.data.sprites.coco import HELD_OUT_PHOTOS, Coco, CocoCutouts
from isfp_train.data.sprites.colours import COLOURS, colour_of, confusable, recolour
from isfp_train.data.sprites.names import may_be_called, shares_a_word
from isfp_train.data.sprites.sprites import FolderSprites, fluent_emoji
from other_claims import View
from other_drawing import LAYOUTS, STANDING, arrange, backdrop, board_heights, draw, finished, turned, with_boards
from other_phrases import Said, Speaker, uncounted

HALVES = {"coco_train": "held_out", "known_sprites": "train"}
SIZES = ((640, 480), (640, 480), (480, 640), (640, 360), (800, 600), (560, 560))  # width and height in pixels
WITH_RIVALS, WITH_SECOND_GROUP, WITH_CUTOUTS = 0.94, 0.4, 0.3  # shares of scenes
PAINTED = 0.6  # share of groups that are chosen from kinds of any colour
#: Least shorter side of a cut-out in its photo, in pixels, and how much a sprite may be enlarged.
LEAST_CUTOUT, ENLARGED = 60, 1.8
#: Kinds of which a held-out cut-out shows only a part of the object, or can hardly be recognised alone.
POOR_CUTOUTS = frozenset(("dog", "donut", "vase", "bowl", "book", "backpack", "chair", "traffic light"))
#: Kinds that people make in any colour, beside those that the table of sprites says can be recoloured.
ANY_COLOUR = frozenset(
    (
        "ball,bolt,camera,clock,lipstick,monitor,plug,razor,sunglasses,violin,watch,key,padlock,hammer,wrench,"
        "flashlight,magnet,trumpet,teddy bear,helmet,broom,candle,toothbrush,flute,rocket,helicopter,airplane,"
        "boat,train,tram,bus,van,truck,car,mirror,axe,saw,hook,gear,printer,joystick,controller,keyboard,"
        "computer mouse,laptop,phone,bed,couch,bathtub,toilet,trash can,basket,jar,kite,skateboard,oil drum,"
        "fire extinguisher,gas pump,crown,spoon,notepad,pencil"
    ).split(",")
)
#: Kinds that are parts of other things, or that backgrounds may show.
LEFT_OUT = frozenset(
    ("paw prints", "pig nose", "spider web", "wing", "goal", "window", "orange", "shower", "person", "flower", "feather")
)
ATTEMPTS = 200
#: Ids of photos begin here, beyond those of COCO's photos that `near_copies.py` leaves out.
FIRST_ID = 1_000_001


@dataclass(frozen=True)
class Actor:
    """An object of a scene before it is placed: a sprite, what it is called, and its size relative to the others."""

    rgba: np.ndarray
    names: tuple[str, ...]
    kind: str
    colour: str | None
    size: float = 1.0


@dataclass(frozen=True)
class MadeScene:
    """A picture, its objects, and phrases about it."""

    picture: np.ndarray
    objects: tuple[SceneObject, ...]
    phrases: tuple[Said, ...]


class Stock:
    """What scenes of one half are made of.

    Args:
        data: data folder with `sprites/`, `coco_train/` and `backgrounds/`.
        split: "held_out" or "train", the sprites; cut-outs and backgrounds are always held out.
    """

    def __init__(self, data: Path, split: str) -> None:
        self.sprites = FolderSprites(data / "sprites", fluent_emoji(), split)
        self.cutouts = CocoCutouts(Coco(data / "coco_train"), "held_out", LEAST_CUTOUT)
        self.photos = [
            path
            for path in sorted((data / "backgrounds").glob("*"))
            if path.suffix.lower() in ENDINGS and in_split(path.name, HELD_OUT_SHARE, "held_out")
        ]
        self.names: dict[str, tuple[str, ...]] = {}
        self.paintable: set[str] = set(ANY_COLOUR)
        for entry in fluent_emoji().values():
            self.names[entry["kind"]] = (*self.names.get(entry["kind"], ()), *_speakable(entry["names"]))
            if entry["recolour"]:
                self.paintable.add(entry["kind"])
        self._photo_kinds = [kind for kind in self.cutouts.kinds if kind not in POOR_CUTOUTS]

    def kinds(self, photo: bool) -> Sequence[str]:
        """Kinds of cut-outs, or of sprites."""
        return self._photo_kinds if photo else [kind for kind in self.sprites.kinds if kind not in LEFT_OUT]

    def cast(self, rng: np.random.Generator) -> list[Actor]:
        """Three to nine objects, mostly with two to four of one kind; no name fits two kinds."""
        count = int(rng.integers(3, 10))
        groups = [int(rng.integers(2, 5))] if rng.random() < WITH_RIVALS else [1]
        if rng.random() < WITH_SECOND_GROUP and count - groups[0] >= 3:
            groups.append(int(rng.integers(2, 4)))
        groups += [1] * max(1, count - sum(groups))
        photo_groups = set(rng.choice(len(groups), 1 + (len(groups) > 3)).tolist()) if rng.random() < WITH_CUTOUTS else set()
        actors: list[Actor] = []
        for number, members in enumerate(groups):
            kinds = self.kinds(number in photo_groups)
            painted = [kind for kind in kinds if kind in self.paintable]
            if members > 1 and painted and rng.random() < PAINTED:
                kinds = painted
            for _ in range(30 if kinds else 0):
                group = self._group(kinds[int(rng.integers(len(kinds)))], members, number in photo_groups, rng)
                if group and all(apart(group[0].kind, names_of(group), actor.kind, actor.names) for actor in actors):
                    actors += group
                    break
        return [actors[i] for i in rng.permutation(len(actors))]

    def _group(self, kind: str, members: int, photo: bool, rng: np.random.Generator) -> list[Actor] | None:
        """Objects of one kind that differ in colour or size, or only in their place."""
        differ = str(rng.choice(("colour", "colour", "size", "colour and size", "place"))) if members > 1 else "nothing"
        colours = [str(colour) for colour in rng.permutation([c for c in COLOURS if c != "grey"])]
        if len(colours) > members - 1 > 1 and rng.random() < 0.4:
            colours[1] = colours[0]  # two alike, so that a colour alone does not always do
        ratio = rng.uniform(1.5, 1.9)
        scales = ratio ** -np.arange(3.0)[rng.permutation(3)] if members > 2 else np.array([1.0, 1 / ratio])
        first = self._sprite(kind, photo, rng)
        actors: list[Actor] = []
        for number in range(members):
            own = first if differ == "place" or rng.random() < 0.5 else self._sprite(kind, photo, rng)
            paint = kind in self.paintable and not photo and ("colour" in differ or (members == 1 and rng.random() < 0.3))
            if paint:
                wanted = next((c for c in colours if all(c == a.colour or not confusable(c, a.colour or c) for a in actors)), None)
                painted = None if wanted is None else recolour(own.rgba, wanted, rng)
                if painted is None or colour_of(painted) != wanted:
                    return None
                colours.remove(str(wanted))
                own = Actor(painted, own.names, kind, wanted)
            size = scales[number % len(scales)] if "size" in differ else rng.uniform(0.9, 1.1)
            actors.append(Actor(own.rgba, own.names, kind, own.colour, float(size)))
        common = names_of(actors)
        if not common or (members > 1 and any(uncounted(name) for name in common)):
            return None
        return [Actor(a.rgba, common, kind, a.colour, a.size) for a in actors]

    def _sprite(self, kind: str, photo: bool, rng: np.random.Generator) -> Actor:
        found = (self.cutouts if photo else self.sprites).sprite(kind, rng)
        known = found.colour if kind != "person" else None  # a person's colour is that of the clothes
        return Actor(found.rgba, _speakable(found.names), kind, known)

    def absent(self, actors: Sequence[Actor]) -> dict[str, tuple[str, ...]]:
        """Kinds with names of which certainly none is in a scene of these objects."""
        return {
            kind: names
            for kind, names in self.names.items()
            if names and kind not in LEFT_OUT and all(apart(kind, names, actor.kind, actor.names) for actor in actors)
        }


def names_of(actors: Sequence[Actor]) -> tuple[str, ...]:
    """The names that fit all of some objects."""
    return tuple(name for name in actors[0].names if all(name in actor.names for actor in actors))


def apart(kind: str, names: Sequence[str], other: str, other_names: Sequence[str]) -> bool:
    """Whether no object of one kind could be called by a name of the other."""
    if may_be_called(kind, other):
        return False
    return not any(shares_a_word(one, another) for one in (*names, kind) for another in (*other_names, other))


def make_scene(stock: Stock, rng: np.random.Generator) -> MadeScene:
    """A scene with at least four phrases.

    Raises:
        RuntimeError: none was found in many attempts, because there are too few sprites.
    """
    for _ in range(ATTEMPTS):
        drawn = _drawn(stock, rng)
        if drawn is None:
            continue
        picture, masks, actors = drawn
        objects = tuple(measure(mask, a.names, a.kind, a.colour) for mask, a in zip(masks, actors, strict=True))
        height, width = picture.shape[:2]
        speaker = Speaker(View(objects, width, height), stock.absent(actors), rng)
        phrases = speaker.phrases(int(rng.integers(4, 7)))
        if len(phrases) >= 4:
            return MadeScene(picture, objects, tuple(phrases))
    raise RuntimeError(f"No scene with four phrases in {ATTEMPTS} attempts; the data folder needs more sprites of different kinds.")


def _drawn(stock: Stock, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray], list[Actor]] | None:
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    actors = stock.cast(rng)
    if len(actors) < 3:
        return None
    layout = str(rng.choice(LAYOUTS))
    longer = np.sqrt(width * height) * (rng.uniform(0.20, 0.32) if len(actors) <= 5 else rng.uniform(0.16, 0.23))
    lean = 4.0 if layout in STANDING else 18.0
    poses = [(float(rng.uniform(-lean, lean)), bool(rng.random() < 0.4)) for _ in actors]
    shapes = [turned(a.rgba, longer * a.size, *pose) for a, pose in zip(actors, poses, strict=True)]
    places = arrange(layout, [(shape.shape[1], shape.shape[0]) for shape in shapes], width, height, rng)
    if places is None or places[0].scale * longer * min(a.size for a in actors) < 0.06 * max(width, height):
        return None
    if any(_enlarged(a, longer * place.scale) for a, place in zip(actors, places, strict=True)):
        return None
    final = [turned(a.rgba, longer * a.size * p.scale, *pose) for a, p, pose in zip(actors, places, poses, strict=True)]
    wall = backdrop(width, height, stock.photos, rng)
    if layout in STANDING:
        bottoms = {round(place.y + shape.shape[0] / 2) for place, shape in zip(places, final, strict=True)}
        boards = [y for y in _boards(height) if any(abs(y - bottom) < 4 for bottom in bottoms)]
        wall = with_boards(wall, boards, rng)
    drawn = draw(wall, final, places, layout in STANDING, rng)
    return None if drawn is None else (finished(drawn[0], rng), drawn[1], actors)


def main(
    data: Annotated[Path, typer.Argument(help="Data folder: sprites/, coco_train/, backgrounds/ (docs/training.md).")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    count: Annotated[int, typer.Option(help="Scenes, half of them with sprites that training never sees.", min=2)] = 150,
    seed: Annotated[int, typer.Option(help="Scene n is the same for the same seed and data.", min=0)] = 0,
) -> None:
    """Write a data folder with scenes and phrases for `isfp eval --phrases human`."""
    try:
        halves = [(name, Stock(data, split)) for name, split in HALVES.items()]
    except (IsfpError, ValueError) as error:
        sys.exit(f"{error} The tool needs sprites, photos and backgrounds as docs/training.md describes them.")
    records: dict[str, dict[str, Any]] = {name: {"images": [], "annotations": [], "categories": {}} for name in HALVES}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in HALVES}
    for number in track(range(count), description="scenes"):
        half, stock = halves[number % len(halves)]
        scene = make_scene(stock, np.random.default_rng([seed, number]))
        file = held_out_name(number)
        coded = cv2.imencode(".png", cv2.cvtColor(scene.picture, cv2.COLOR_RGB2BGR))[1]
        folder(out, half).joinpath("images").mkdir(parents=True, exist_ok=True)
        write_bytes(folder(out, half) / "images" / file, coded.tobytes())
        add(records[half], rows[half], scene, FIRST_ID + number, file)
    for half, record in records.items():
        named = [{"id": place, "name": kind} for kind, place in record["categories"].items()]
        write_json(folder(out, half) / "instances.json", record | {"categories": named})
    write_json(out / "coco_train" / "human_refs.json", rows["coco_train"])
    write_json(out / "more" / "human_refs.json", [row | {"source": "known_sprites"} for row in rows["known_sprites"]])


def folder(out: Path, half: str) -> Path:
    """The folder of a half of the scenes."""
    return out / half if half == "coco_train" else out / "more" / half


def held_out_name(number: int) -> str:
    """A file name for a scene that belongs to the held-out photos, as `Coco.split` decides."""
    turn = 0
    while not held_out(name := f"other_{number:05d}_{turn:02d}.png", HELD_OUT_PHOTOS / 366):
        turn += 1
    return name


def add(record: dict[str, Any], rows: list[dict[str, Any]], scene: MadeScene, image_id: int, file: str) -> None:
    """Add a scene to the content of instances.json, and its phrases to that of human_refs.json."""
    height, width = scene.picture.shape[:2]
    record["images"].append({"id": image_id, "file_name": file, "width": width, "height": height})
    ids = []
    for obj in scene.objects:
        coded = rle.encode(np.asfortranarray(obj.mask, dtype=np.uint8))
        x0, y0, x1, y1 = obj.box
        ids.append(image_id * 100 + len(ids))
        record["annotations"].append(
            {
                "id": ids[-1],
                "image_id": image_id,
                "category_id": record["categories"].setdefault(obj.kind, len(record["categories"]) + 1),
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": obj.area,
                "iscrowd": 0,
                "colour": obj.colour,
                "segmentation": {"size": [height, width], "counts": coded["counts"].decode("ascii")},
            }
        )
    for said in scene.phrases:
        about = None if said.target is None else ids[said.target]
        rows.append({"image_id": image_id, "ann_id": about, "sent": said.text, "kind": said.kind})


def _speakable(names: Sequence[str]) -> tuple[str, ...]:
    """The names that are neither colours nor pairs of things, such as "nut and bolt", which would read like two objects."""
    return tuple(name for name in names if name not in COLOURS and " and " not in name)


def _enlarged(actor: Actor, longer: float) -> bool:
    """Whether a sprite would be blurred by enlarging it."""
    return longer * actor.size > ENLARGED * max(actor.rgba.shape[:2])


def _boards(height: int) -> list[int]:
    """All heights at which objects may stand."""
    return sorted({y for shelves in (1, 2, 3) for y in board_heights(height, shelves)})


if __name__ == "__main__":
    typer.run(main)
