"""Render scanned objects on a table, for pictures that may be shown: python tools/render_table.py SCANS out.jpg --seed 1

SCANS is a folder with one folder an object, each with `textured.obj` and its texture. Needs `pip install pybullet`.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from isfp import pictures
from isfp.files.atomic_file import write_bytes
from rendered_scene import Camera, photograph

SIZE = 640, 480  # pixels of the picture
WOOD = (0.72, 0.56, 0.40), (0.80, 0.78, 0.74), (0.45, 0.33, 0.26), (0.86, 0.84, 0.80)


def main(
    scans: Annotated[Path, typer.Argument(help="Folder of the scanned objects.")],
    out: Annotated[Path, typer.Argument(help="Picture to write.")],
    objects: Annotated[str, typer.Option(help="Folders of the objects, by commas; a name may stand twice.")],
    seed: Annotated[int, typer.Option(help="Of places, turns, light and table.")] = 0,
) -> None:
    """Drop the objects on a table, let them come to rest, and photograph them."""
    try:
        import pybullet
    except ImportError:
        sys.exit("render_table needs pybullet: pip install pybullet")
    pictures.check_ending(out)
    rng = np.random.default_rng(seed)
    names = objects.split(",")
    missing = [name for name in names if not (scans / name / "textured.obj").is_file()]
    if missing:
        sys.exit(f"{scans} has no textured.obj for {missing}; expected a folder for each object.")
    pybullet.connect(pybullet.DIRECT)
    pybullet.setGravity(0, 0, -9.8)
    table = pybullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=(0.6, 0.45, 0.02))
    colour = (*WOOD[int(rng.integers(len(WOOD)))], 1.0)
    look = pybullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=(0.6, 0.45, 0.02), rgbaColor=colour)
    pybullet.createMultiBody(0, table, look, (0, 0, -0.02))
    wall = pybullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=(3, 0.02, 2), rgbaColor=(0.62, 0.66, 0.70, 1.0))
    pybullet.createMultiBody(0, -1, wall, (0, 1.2, 0))
    places = _places(len(names), rng)
    for name, (x, y) in zip(names, places, strict=True):
        path = str(scans / name / "textured.obj")
        shape = pybullet.createCollisionShape(pybullet.GEOM_MESH, fileName=path)
        seen = pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=path)
        turn = pybullet.getQuaternionFromEuler((0, 0, rng.uniform(0, 2 * math.pi)))
        body = pybullet.createMultiBody(0.2, shape, seen, (x, y, 0.06), turn)
        picture = next((scans / name).glob("*.jpg"), None) or next((scans / name).glob("*.png"), None)
        if picture is not None:
            pybullet.changeVisualShape(body, -1, textureUniqueId=pybullet.loadTexture(str(picture)), rgbaColor=(1, 1, 1, 1))
        pybullet.changeDynamics(body, -1, rollingFriction=0.01, spinningFriction=0.01, lateralFriction=0.8)
    for _ in range(600):
        pybullet.stepSimulation()
    eye, target, up = np.array([rng.uniform(-0.1, 0.1), -0.46, 0.42]), np.array([0, -0.02, 0.0]), np.array([0, 0, 1.0])
    light = {
        "lightDirection": (rng.uniform(-0.6, 0.6), -0.6, 1.2),
        "shadow": 1,
        "lightAmbientCoeff": 0.6,
        "lightDiffuseCoeff": 0.5,
        "lightSpecularCoeff": 0.1,
    }
    frame, _ = photograph(pybullet, Camera(eye, target, up, 48, *SIZE), light, finer=2)
    content = cv2.imencode(out.suffix, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    write_bytes(out, content.tobytes())


def _places(count: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Places on the table that keep apart."""
    found: list[tuple[float, float]] = []
    while len(found) < count:
        spot = rng.uniform(-0.24, 0.24), rng.uniform(-0.16, 0.14)
        if all(math.dist(spot, other) > 0.11 for other in found):
            found.append(spot)
    return found


if __name__ == "__main__":
    typer.run(main)
