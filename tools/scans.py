"""Scanned objects: which there are, what they are, and their meshes, made ready for the renderer."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isfp.files.atomic_file import atomic_file

#: Category of each scan, by the name of its folder or mesh. `PHOTO_NAMES` or `COCO_NAMES` list the names of each category.
KINDS: dict[str, str] = {
    "black_marker": "marker", "blue_marker": "marker", "red_marker": "marker", "large_marker": "marker", "small_marker": "marker",
    "blue_cup": "mug", "green_cup": "mug", "orange_cup": "mug", "yellow_cup": "mug", "doraemon_bowl": "bowl",
    "book_holder_1": "desk organizer", "book_holder_2": "magazine holder", "plate_holder": "dish rack",
    "conditioner": "shampoo bottle", "shampoo": "shampoo bottle", "repellent": "spray bottle", "correction_fluid": "correction pen",
    "flat_screwdriver": "screwdriver", "phillips_screwdriver": "screwdriver", "fork": "fork", "knife": "knife", "spoon": "spoon",
    "glue_1": "glue bottle", "glue_2": "glue bottle", "large_clamp": "clamp", "medium_clamp": "clamp", "small_clamp": "clamp",
    "mini_claw_hammer_1": "hammer", "orion_pie": "cookie box", "poker_1": "box of cards", "plastic_apple": "apple",
    "plastic_banana": "banana", "plastic_lemon": "lemon", "plastic_orange": "orange", "plastic_peach": "peach",
    "plastic_pear": "pear", "plastic_plum": "plum", "remote_controller_1": "remote", "remote_controller_2": "remote",
    "scissors": "scissors", "soap": "soap", "stapler_1": "stapler", "stapler_2": "stapler", "suger_1": "gum jar",
    "suger_2": "gum jar", "toothpaste_1": "toothpaste", "002_master_chef_can": "coffee can", "003_cracker_box": "cracker box",
    "004_sugar_box": "sugar box", "005_tomato_soup_can": "soup can", "006_mustard_bottle": "mustard bottle",
    "007_tuna_fish_can": "tuna can", "008_pudding_box": "pudding box", "009_gelatin_box": "gelatin box",
    "010_potted_meat_can": "meat can", "035_power_drill": "power drill",
}  # fmt: skip
#: Triangles that a mesh is simplified to, about.
TRIANGLES = 5000
#: Points on the surface of a mesh, from which its silhouette is drawn.
SURFACE_POINTS = 6000


@dataclass(frozen=True)
class Scan:
    """A scanned object: its folder's or mesh's name, its category, mesh (`textured.obj` or MuJoCo's `.msh`) and texture."""

    name: str
    kind: str
    mesh: Path
    texture: Path


@dataclass(frozen=True)
class Mesh:
    """A mesh in metres around its middle, ready for the renderer.

    Attributes:
        path: OBJ file without a material.
        size: extent of x, y and z in metres, float `[3]`.
        surface: points spread evenly on the surface, float `[SURFACE_POINTS,3]`.
        hull: points of a simplified convex hull, float `[n,3]`.
    """

    path: Path
    size: np.ndarray
    surface: np.ndarray
    hull: np.ndarray


def find_scans(folder: Path) -> list[Scan]:
    """All scans of known kinds below a folder, sorted by name: `NAME/textured.obj` with a texture beside it, and MuJoCo's
    `meshes/NAME.msh` with `textures/NAME.png`. Scans whose name `KINDS` does not list are left out."""
    found = []
    for mesh in folder.rglob("textured.obj"):
        texture = next((path for end in ("jpg", "png") for path in sorted(mesh.parent.glob(f"*.{end}"))), None)
        if texture is not None and mesh.parent.name in KINDS:
            found.append(Scan(mesh.parent.name, KINDS[mesh.parent.name], mesh, texture))
    for mesh in folder.rglob("meshes/*.msh"):
        texture = mesh.parents[1] / "textures" / f"{mesh.stem}.png"
        if texture.is_file() and mesh.stem in KINDS:
            found.append(Scan(mesh.stem, KINDS[mesh.stem], mesh, texture))
    return sorted(found, key=lambda scan: scan.name)


def prepare(scan: Scan, folder: Path) -> Mesh:
    """Write the mesh of a scan into a folder as an OBJ file around its middle, and measure it."""
    points, places, corners = _read_msh(scan.mesh) if scan.mesh.suffix == ".msh" else _read_obj(scan.mesh)
    low, high = points.min(0), points.max(0)
    points = points - (low + high) / 2
    rng = np.random.default_rng(0)
    triangles = points[corners[:, :, 0]]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    areas = np.linalg.norm(normals, axis=1) / 2
    chosen = triangles[rng.choice(len(triangles), SURFACE_POINTS, p=areas / areas.sum())]
    mix = rng.dirichlet((1, 1, 1), SURFACE_POINTS)
    directions = rng.normal(size=(160, 3))
    hull = points[np.unique(np.argmax(points @ directions.T, axis=0))]
    if len(corners) > TRIANGLES:
        points, corners = _simplified(points, corners, normals, math.sqrt(2.3 * areas.sum() / TRIANGLES))
    path = folder / f"{scan.name}.obj"
    with atomic_file(path) as new, new.open("w", encoding="ascii") as file:
        np.savetxt(file, points, "v %.5f %.5f %.5f")
        np.savetxt(file, places, "vt %.5f %.5f")
        np.savetxt(file, corners.reshape(len(corners), 6) + 1, "f %d/%d %d/%d %d/%d")
    return Mesh(path, high - low, np.einsum("nc,ncd->nd", mix, chosen), hull)


def _simplified(points: np.ndarray, corners: np.ndarray, normals: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Merge points that share a cell of a grid and face the same way, so that the two sides of a thin wall stay apart; corners keep
    their texture coordinates. Returns points and corners as `_read_obj`."""
    facing = np.zeros_like(points)
    for corner in range(3):
        np.add.at(facing, corners[:, corner, 0], normals)
    keys = np.hstack([np.floor(points / cell), facing > 0]).astype(int)
    _, cluster, members = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    merged = np.zeros((len(members), 3))
    np.add.at(merged, cluster.reshape(-1), points)
    corners = corners.copy()
    corners[..., 0] = cluster.reshape(-1)[corners[..., 0]]
    a, b, c = corners[..., 0].T
    return merged / members[:, None], corners[(a != b) & (b != c) & (c != a)]


def _read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points `[n,3]`, texture coordinates `[m,2]`, and corners of triangles `[t,3,2]`: a point and a texture coordinate each."""
    points, places, corners = [], [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *values = line.split() or [""]
        if word == "v":
            points.append([float(value) for value in values[:3]])
        elif word == "vt":
            places.append([float(value) for value in values[:2]])
        elif word == "f":
            found = [[int(part or 1) - 1 for part in [*value.split("/"), "1"][:2]] for value in values]
            corners.extend([found[0], found[i], found[i + 1]] for i in range(1, len(found) - 1))
    return np.array(points), np.array(places or [[0.0, 0.0]]), np.array(corners)


def _read_msh(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `_read_obj`, of MuJoCo's binary mesh: four counts, points, normals, texture coordinates, and triangles."""
    content = path.read_bytes()
    n, normals, m, _ = struct.unpack("4i", content[:16])
    values = np.frombuffer(content, np.float32, 3 * n + 3 * normals + 2 * m, 16)
    faces = np.frombuffer(content, np.int32, offset=16 + values.nbytes).reshape(-1, 3)
    places = values[3 * (n + normals) :].reshape(-1, 2) * (1, -1) + (0, 1)  # MuJoCo counts from the top
    return values[: 3 * n].reshape(-1, 3).astype(float), places, np.repeat(faces[..., None], 2, axis=2)
