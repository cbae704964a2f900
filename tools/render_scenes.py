"""Render annotated scenes of scanned objects for training: python tools/render_scenes.py SCANS OUT --count 1500 --seed 0

Writes OUT/images/ and OUT/instances.json, in COCO's format, as `isfp train` reads them from DATA/rendered/. An interrupted run goes
on where it stopped. Needs `pip install pybullet`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from pycocotools import mask as rle
from rich.progress import track

from isfp import pictures
from isfp.files.atomic_file import write_bytes, write_json
from isfp_train.data.sprites.colours import COLOURS, recolour
from rendered_scene import LEAST_VISIBLE, Copy, build, camera_on, masks_of, photograph, visible_shares
from scans import Mesh, Scan, find_scans, prepare
from surfaces import surface

IN_BINS, WITH_RIVALS, RECOLOURED = 0.3, 0.7, 0.6  # shares of scenes, of scenes, and of the copies of recolourable kinds
#: Kinds that are sold in any colour.
ANY_COLOUR = frozenset(
    (
        "mug",
        "bowl",
        "marker",
        "screwdriver",
        "clamp",
        "soap",
        "stapler",
        "spoon",
        "fork",
        "knife",
        "desk organizer",
        "magazine holder",
    )
)
#: Kinds that would hide the other objects of a bin.
LARGE = frozenset(("desk organizer", "magazine holder", "dish rack"))
#: Different textures of tables, floors and walls. The renderer keeps every file that it has read in memory.
SURFACES = 240
#: Scenes between two writings of instances.json.
SAVE_EVERY = 20


@dataclass
class Stock:
    """The scans with their meshes and textures, prepared when they are first needed, in a folder."""

    scans: Sequence[Scan]
    folder: Path
    photos: Sequence[Path] = ()
    _meshes: dict[str, Mesh] = field(default_factory=dict)

    def copy(self, scan: Scan, rng: np.random.Generator) -> Copy:
        """A copy of a scan, in its own or, for some kinds, in another colour."""
        if scan.name not in self._meshes:
            self._meshes[scan.name] = prepare(scan, self.folder)
        texture = scan.texture
        if scan.kind in ANY_COLOUR and rng.random() < RECOLOURED:
            colour = COLOURS[int(rng.integers(len(COLOURS)))]
            texture = self._painted(scan, colour, int(rng.integers(2)))
        return Copy(scan, self._meshes[scan.name], texture)

    def surfaces(self, rng: np.random.Generator) -> list[Path]:
        """Files with the textures of a table, a floor and a wall."""
        numbers = rng.choice(SURFACES, 3, replace=False)
        paths = [self.folder / f"surface{number}.png" for number in numbers]
        for number, path in zip(numbers, paths, strict=True):
            if not path.is_file():
                picture = surface(np.random.default_rng(int(number)), self.photos)
                pictures.write(path, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return paths

    def _painted(self, scan: Scan, colour: str, shade: int) -> Path:
        path = self.folder / f"{scan.name}-{colour}-{shade}.png"
        if not path.is_file():
            own = cv2.cvtColor(cv2.imread(str(scan.texture), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGBA)
            rng = np.random.default_rng([*f"{scan.name} {colour} {shade}".encode()])  # the same in every run
            new = recolour(own, colour, rng)
            pictures.write(path, cv2.cvtColor(own if new is None else new, cv2.COLOR_RGBA2BGR))
        return path


def main(
    scans: Annotated[Path, typer.Argument(help="Folder of the scanned objects, in any depth.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    count: Annotated[int, typer.Option(help="Scenes.", min=1)] = 1500,
    seed: Annotated[int, typer.Option(help="Scene n is the same for the same seed, scans and photos.", min=0)] = 0,
    backgrounds: Annotated[Path | None, typer.Option(help="Photos, parts of which cover some tables, floors and walls.")] = None,
    objects_held_out: Annotated[str, typer.Option(help="Scans to leave out, by commas.")] = "",
) -> None:
    """Render scenes that OUT lacks, and list all of them in OUT/instances.json."""
    try:
        import pybullet
    except ImportError:
        sys.exit("render_scenes needs pybullet: pip install pybullet")
    left_out = {name for name in objects_held_out.split(",") if name}
    known = find_scans(scans)
    if unknown := left_out - {scan.name for scan in known}:
        sys.exit(f"--objects-held-out names {sorted(unknown)}; expected any of {[scan.name for scan in known]}.")
    used = [scan for scan in known if scan.name not in left_out]
    if not used:
        sys.exit(f"{scans} has no scans of the kinds that tools/scans.py lists; expected NAME/textured.obj with a texture.")
    settings = {"seed": seed, "scans": [scan.name for scan in used], "backgrounds": backgrounds is not None}
    if (out / "settings.json").is_file() and json.loads((out / "settings.json").read_text(encoding="utf-8")) != settings:
        sys.exit(f"{out} was rendered with other settings. Give them again (settings.json lists them), or another folder.")
    for folder in ("images", "records"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    write_json(out / "settings.json", settings)
    pybullet.connect(pybullet.DIRECT)
    photos = sorted(backgrounds.glob("*.jpg")) if backgrounds else ()
    with tempfile.TemporaryDirectory() as folder:
        stock = Stock(used, Path(folder), photos)
        for number in track(range(count), description="scenes"):
            record = out / "records" / f"{number:06d}.json"
            if record.is_file():
                continue
            picture, objects = render(pybullet, stock, np.random.default_rng([seed, number]))
            write_bytes(out / "images" / f"{number:06d}.jpg", picture)
            write_json(record, objects)  # last: a scene with a record is complete
            if number % SAVE_EVERY == SAVE_EVERY - 1:
                write_json(out / "instances.json", instances(out / "records"))
    write_json(out / "instances.json", instances(out / "records"))


def render(bullet: Any, stock: Stock, rng: np.random.Generator) -> tuple[bytes, dict[str, Any]]:
    """A scene as JPEG, and its size and objects: kind, scan, and mask as RLE."""
    while True:
        bin_scene = bool(rng.random() < IN_BINS)
        bodies, holder = build(bullet, choose(stock, bin_scene, rng), stock.surfaces(rng), bin_scene, rng)
        bodies = {body: copy for body, copy in bodies.items() if bullet.getBasePositionAndOrientation(body)[0][2] > -0.05}
        if len(bodies) < 2:
            continue
        camera, light = camera_on(bullet, bodies, bin_scene, rng), lighting(rng)
        for _ in range(4):
            frame, seen = photograph(bullet, camera, light)
            shares = visible_shares(bullet, camera, bodies, seen)
            hidden = [body for body, share in shares.items() if share < LEAST_VISIBLE]
            for body in hidden:
                bullet.removeBody(body)
                del bodies[body]
            if not hidden:
                break
        if not hidden and len(bodies) >= 2:
            break
    seen = np.where(np.isin(seen, holder), holder[0], seen)
    masks = masks_of(seen, [*bodies, holder[0]], camera.width, camera.height)
    objects = []
    for body, mask in masks.items():
        coded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
        ys, xs = np.nonzero(mask)
        box = [int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1]
        coded = {"size": [int(value) for value in coded["size"]], "counts": coded["counts"].decode("ascii")}
        outline = {"bbox": box, "area": int(mask.sum()), "segmentation": coded}
        if body in bodies:
            scan = bodies[body].scan
            objects.append({"kind": scan.kind, "scan": scan.name, "visible": round(shares[body], 2), "iscrowd": 0, **outline})
        else:  # as a crowd it is never asked for, and never said to be absent
            objects.append({"kind": "bin" if bin_scene else "dining table", "iscrowd": 1, **outline})
    return exposed(frame, rng), {"width": camera.width, "height": camera.height, "objects": objects}


def choose(stock: Stock, bin_scene: bool, rng: np.random.Generator) -> list[Copy]:
    """Three to nine objects: in most scenes two to four of one kind, the others at random."""
    fitting = [scan for scan in stock.scans if not bin_scene or scan.kind not in LARGE]
    by_kind: dict[str, list[Scan]] = {}
    for scan in fitting:
        by_kind.setdefault(scan.kind, []).append(scan)
    kinds = sorted(by_kind)
    odds = np.array([0.25 if kind in LARGE else 2.0 if kind in ANY_COLOUR else 1.0 for kind in kinds])
    wanted = int(rng.integers(3, 10))
    picked: list[Scan] = []
    if rng.random() < WITH_RIVALS:
        kind = kinds[int(rng.choice(len(kinds), p=odds / odds.sum()))]
        alike = by_kind[kind]
        picked += [
            alike[int(rng.integers(len(alike)))] for _ in range(min(wanted, 2 if kind in LARGE else int(rng.integers(2, 5))))
        ]
    while len(picked) < wanted:
        picked.append(by_kind[kinds[int(rng.choice(len(kinds), p=odds / odds.sum()))]][0])
        same = by_kind[picked[-1].kind]
        picked[-1] = same[int(rng.integers(len(same)))]
    return [stock.copy(scan, rng) for scan in picked]


def lighting(rng: np.random.Generator) -> dict[str, Any]:
    """The renderer's settings of a light from above."""
    turn, ambient = rng.uniform(0, 2 * np.pi), rng.uniform(0.52, 0.78)
    lean = rng.uniform(0.1, 1.0)
    return {
        "lightDirection": (float(np.cos(turn) * lean), float(np.sin(turn) * lean), 1.2),
        "lightColor": tuple(float(value) for value in rng.uniform(0.88, 1.0, 3)),
        "lightDistance": 3.0,
        "shadow": int(rng.random() < 0.85),
        "lightAmbientCoeff": float(ambient),
        "lightDiffuseCoeff": float(rng.uniform(0.35, 0.6)),
        "lightSpecularCoeff": float(rng.uniform(0, 0.15)),
    }


def exposed(frame: np.ndarray, rng: np.random.Generator) -> bytes:
    """The picture as a camera stores it: exposure, tone, white balance, slight blur, noise, JPEG."""
    picture = (frame.astype(np.float32) / 255) ** rng.uniform(0.75, 1.15) * rng.uniform(0.85, 1.25) * rng.uniform(0.95, 1.05, 3)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), float(rng.uniform(0.2, 0.9)))
    picture = picture * 255 + rng.normal(0, rng.uniform(0, 5), picture.shape)
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))])[
        1
    ].tobytes()


def instances(records: Path) -> dict[str, Any]:
    """The content of instances.json for all records of a folder."""
    images, annotations, kinds = [], [], {}
    for path in sorted(records.glob("*.json")):
        record, image_id = json.loads(path.read_text(encoding="utf-8")), int(path.stem) + 1
        images.append({"id": image_id, "file_name": f"{path.stem}.jpg", "width": record["width"], "height": record["height"]})
        for found in record["objects"]:
            category = kinds.setdefault(found["kind"], len(kinds) + 1)
            own = {key: value for key, value in found.items() if key != "kind"}
            annotations.append(own | {"id": len(annotations) + 1, "image_id": image_id, "category_id": category})
    return {"images": images, "annotations": annotations, "categories": [{"id": n, "name": kind} for kind, n in kinds.items()]}


if __name__ == "__main__":
    typer.run(main)
