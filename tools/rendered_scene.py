"""Scenes of scanned objects that physics laid on a table or in a bin, photographed with pybullet's software renderer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scans import Mesh, Scan

#: Supersampling, pixels per pixel of the picture along each side: the renderer has no anti-aliasing.
FINER = 1.5
#: Objects of which a smaller share can be seen are taken away.
LEAST_VISIBLE = 0.35


@dataclass(frozen=True)
class Copy:
    """An object of a scene: a scan, its mesh, and its texture, which may be recoloured."""

    scan: Scan
    mesh: Mesh
    texture: Path


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: its place, what it looks at (metres), its upward direction, vertical field of view (degrees), and size."""

    eye: np.ndarray
    target: np.ndarray
    up: np.ndarray
    angle: float
    width: int
    height: int

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels, float `[n,2]`, of points `[n,3]`; those behind the camera are NaN."""
        ahead = (self.target - self.eye) / np.linalg.norm(self.target - self.eye)
        right = np.cross(ahead, self.up)
        right /= np.linalg.norm(right)
        seen = (points - self.eye) @ np.stack([right, -np.cross(right, ahead), ahead]).T
        focal = self.height / 2 / math.tan(math.radians(self.angle) / 2)
        depth = np.where(seen[:, 2] > 0.01, seen[:, 2], np.nan)
        return seen[:, :2] / depth[:, None] * focal + (self.width / 2, self.height / 2)


def photograph(bullet: Any, camera: Camera, light: dict[str, Any], finer: float = FINER) -> tuple[np.ndarray, np.ndarray]:
    """Render a picture, uint8 `[H,W,3]` RGB, and the number of the body at each pixel of the finer rendering, int `[h,w]`."""
    width, height = round(camera.width * finer), round(camera.height * finer)
    view = bullet.computeViewMatrix(camera.eye.tolist(), camera.target.tolist(), camera.up.tolist())
    lens = bullet.computeProjectionMatrixFOV(camera.angle, width / height, 0.05, 12)
    found = bullet.getCameraImage(width, height, view, lens, renderer=bullet.ER_TINY_RENDERER, **light)
    frame = np.asarray(found[2], np.uint8).reshape(height, width, 4)[..., :3]
    bodies = np.asarray(found[4], np.int32).reshape(height, width)
    return cv2.resize(frame, (camera.width, camera.height), interpolation=cv2.INTER_AREA), bodies


def build(
    bullet: Any, copies: Sequence[Copy], surfaces: Sequence[Path], bin_scene: bool, rng: np.random.Generator
) -> tuple[dict[int, Copy], list[int]]:
    """Drop objects on a table or in a bin in an empty world, and let them come to rest.

    Args:
        bullet: the pybullet module, connected.
        copies: the objects.
        surfaces: textures of the table or bin, the floor, and the walls.
        bin_scene: whether they lie in a bin.
        rng: of places and turns.

    Returns:
        The objects by the number of their body, and the numbers of the bodies that make up the table or bin.
    """
    bullet.resetSimulation()
    bullet.setPhysicsEngineParameter(deterministicOverlappingPairs=1)
    bullet.setGravity(0, 0, -9.8)
    table, floor, wall = (bullet.loadTexture(str(path)) for path in surfaces)
    footprint = sum(float(copy.mesh.size[0] * copy.mesh.size[1]) + 0.002 for copy in copies)
    if bin_scene:
        half = np.sqrt(footprint * rng.uniform(1.2, 2.2)) * np.array([rng.uniform(0.55, 0.75), 0.5])
        half = np.maximum(half, (0.17, 0.14))
        depth = rng.uniform(0.05, 0.14)
        sides = tuple(rng.uniform(0.25, 1.0, 3))
        holder = [_box(bullet, (*half, 0.01), (0, 0, -0.01), table)]
        for axis in (0, 1):
            for sign in (-1, 1):
                extent = [half[0] + 0.012, half[1] + 0.012, depth / 2]
                extent[axis] = 0.006
                place = [0.0, 0.0, depth / 2 - 0.01]
                place[axis] = sign * (half[axis] + 0.006)
                holder.append(_box(bullet, extent, place, None, sides))
        _box(bullet, (1.5, 1.5, 0.01), (0, 0, -0.035), floor)
        reach = half - 0.05
    else:
        reach = np.sqrt(footprint * rng.uniform(0.8, 2.6)) * np.array([0.62, 0.5]) + 0.01
        half = np.maximum(reach + 0.12, rng.uniform(0.3, 0.8, 2))
        holder = [_box(bullet, (*half, 0.02), (0, 0, -0.02), table)]
        _box(bullet, (4, 4, 0.02), (0, 0, -0.75), floor)
        far = rng.uniform(0.9, 2.8)
        for axis, sign in ((0, -1), (0, 1), (1, -1), (1, 1)):
            extent, place = [far, far, 1.6], [0.0, 0.0, 0.6]
            extent[axis], place[axis] = 0.02, sign * (far + 0.02)
            _box(bullet, extent, place, wall)
    bodies = {}
    places = _places([copy.mesh for copy in copies], reach, rng)
    for copy, (x, y, z) in zip(copies, places, strict=True):
        bodies[_drop(bullet, copy, (x, y, z), rng)] = copy
    for _ in range(300 if bin_scene else 220):
        bullet.stepSimulation()
    return bodies, holder


def camera_on(bullet: Any, bodies: dict[int, Copy], bin_scene: bool, rng: np.random.Generator) -> Camera:
    """A camera that has most of the objects in view, from above a bin or from a person's or robot's height beside a table."""
    width, height = (480, 360) if rng.random() < 0.6 else (400, 400)
    middles = np.array([bullet.getBasePositionAndOrientation(body)[0] for body in bodies])
    sizes = np.array([np.linalg.norm(copy.mesh.size) / 2 for copy in bodies.values()])
    target = (middles.min(0) + middles.max(0)) / 2 + rng.normal(0, 0.015, 3)
    radius = float((np.linalg.norm(middles - target, axis=1) + sizes * 0.6).max())
    angle = rng.uniform(32, 62)
    tilt = math.radians(rng.uniform(62, 89) if bin_scene else rng.choice([rng.uniform(18, 40), rng.uniform(35, 68)]))
    turn = rng.uniform(0, 2 * math.pi)
    distance = max(0.25, radius * rng.uniform(0.62, 1.1) / math.sin(math.radians(angle) / 2))
    direction = np.array([math.cos(tilt) * math.cos(turn), math.cos(tilt) * math.sin(turn), math.sin(tilt)])
    roll = rng.normal(0, 0.03) if not bin_scene else 0.0
    up = np.array([math.sin(turn) * roll, -math.cos(turn) * roll, 1.0])
    return Camera(target + direction * distance, target, up / np.linalg.norm(up), float(angle), width, height)


def visible_shares(bullet: Any, camera: Camera, bodies: dict[int, Copy], seen: np.ndarray) -> dict[int, float]:
    """Share, 0 to 1, of each object's silhouette that other things and the edge of the picture leave visible."""
    small = (camera.height // 2, camera.width // 2)
    half = cv2.resize(seen.astype(np.int16), small[::-1], interpolation=cv2.INTER_NEAREST)
    shares = {}
    for body, copy in bodies.items():
        place, turn = bullet.getBasePositionAndOrientation(body)
        axes = np.array(bullet.getMatrixFromQuaternion(turn)).reshape(3, 3)
        pixels = camera.project(copy.mesh.surface @ axes.T + place) / 2
        inside = (
            np.isfinite(pixels).all(1) & (pixels > (-small[1], -small[0])).all(1) & (pixels < (2 * small[1], 2 * small[0])).all(1)
        )
        outline = np.zeros((3 * small[0], 3 * small[1]), np.uint8)
        columns, rows = (pixels[inside] + (small[1], small[0])).astype(int).T
        outline[rows, columns] = 1
        outline = cv2.morphologyEx(outline, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        shares[body] = min(1.0, np.count_nonzero(half == body) / max(1, int(outline.sum()))) if inside.mean() > 0.3 else 0.0
    return shares


def masks_of(seen: np.ndarray, bodies: Sequence[int], width: int, height: int) -> dict[int, np.ndarray]:
    """Masks of the visible bodies, bool `[height,width]`, without overlaps: each pixel goes to the body that fills most of it."""
    others = (~np.isin(seen, bodies)).astype(np.float32)
    layers = [others, *((seen == body).astype(np.float32) for body in bodies)]
    filled = np.stack([cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA) for layer in layers])
    most = filled.argmax(0)
    return {body: most == number for number, body in enumerate(bodies, start=1) if (most == number).any()}


def _box(
    bullet: Any, half: Sequence[float], place: Sequence[float], texture: int | None, colour: Sequence[float] = (1, 1, 1)
) -> int:
    extent = [float(value) for value in half]
    shape = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=extent)
    look = bullet.createVisualShape(bullet.GEOM_BOX, halfExtents=extent, rgbaColor=(*colour, 1))
    body = bullet.createMultiBody(0, shape, look, [float(value) for value in place])
    if texture is not None:
        bullet.changeVisualShape(body, -1, textureUniqueId=texture, rgbaColor=(1, 1, 1, 1))
    return int(body)


def _drop(bullet: Any, copy: Copy, place: tuple[float, float, float], rng: np.random.Generator) -> int:
    shape = bullet.createCollisionShape(bullet.GEOM_MESH, vertices=copy.mesh.hull.tolist())
    look = bullet.createVisualShape(bullet.GEOM_MESH, fileName=str(copy.mesh.path))
    tilted = rng.random() < 0.25
    angles = (rng.uniform(0, 2 * math.pi) if tilted else 0.0, rng.choice([0.0, math.pi / 2]) if tilted else 0.0)
    turn = bullet.getQuaternionFromEuler((*angles, rng.uniform(0, 2 * math.pi)))
    body = bullet.createMultiBody(0.2, shape, look, place, turn)
    bullet.changeVisualShape(body, -1, textureUniqueId=bullet.loadTexture(str(copy.texture)), rgbaColor=(1, 1, 1, 1))
    bullet.changeDynamics(body, -1, rollingFriction=0.005, spinningFriction=0.005, lateralFriction=0.8, angularDamping=0.3)
    return int(body)


def _places(meshes: Sequence[Mesh], reach: np.ndarray, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Where objects start to fall: apart where that is possible, else above what is there already."""
    found: list[tuple[float, float, float]] = []
    radii = [0.4 * float(np.hypot(*mesh.size[:2])) for mesh in meshes]
    for mesh, radius in zip(meshes, radii, strict=True):
        spots = rng.uniform(-reach, reach, (24, 2))
        room = [
            min((math.dist(spot, p[:2]) - radius - r for p, r in zip(found, radii, strict=False)), default=1.0) for spot in spots
        ]
        free = next((number for number, gap in enumerate(room) if gap > 0), int(np.argmax(room)))
        height = float(mesh.size.max()) / 2 + 0.005
        if room[free] < 0:
            height += max(p[2] for p in found) * 0.6
        found.append((*(float(value) for value in spots[free]), height))
    return found
