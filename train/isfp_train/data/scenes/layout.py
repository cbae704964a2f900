"""Arrangement of objects in a composed scene: rows, grids, tables, or scattered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpritePose:
    """Position, size and rotation of a sprite.

    Attributes:
        x: centre, in pixels of the scene.
        y: centre, in pixels of the scene.
        scale: scene pixels per sprite pixel.
        angle: degrees, counter-clockwise.
        flipped: whether it is mirrored from left to right.
        horizon: border of table and wall (0 to 1 of the height); 0 if objects do not stand on a plane.
    """

    x: float
    y: float
    scale: float
    angle: float
    flipped: bool
    horizon: float


def lay_out(
    shapes: Sequence[tuple[int, int]], tilts: Sequence[bool], height: int, width: int, rng: np.random.Generator
) -> list[SpritePose]:
    """Poses for sprites of (height, width) `shapes`, farthest back first. Few of them overlap much."""
    style = rng.choice(["scattered", "row", "column", "table", "grid"], p=[0.36, 0.17, 0.05, 0.32, 0.10])
    count = len(shapes)
    horizon = float(rng.uniform(0.15, 0.45)) if style == "table" else 0.0
    reach = _sizes(count, style, height, width, rng)
    spots = _slots(style, count, height, width, rng)
    boxes: list[tuple[float, float, float, float]] = []
    poses = []
    for i, (h, w) in enumerate(shapes):
        scale = reach[i] / max(h, w)
        half_w, half_h = w * scale / 2, h * scale / 2
        x, y = 0.0, 0.0
        for attempt in range(40):
            x, y = _spot(style, spots, i, half_w, half_h, height, width, horizon, rng)
            box = (x - half_w, y - half_h, x + half_w, y + half_h)
            allowed = 0.02 if rng.random() < 0.8 else 0.22
            if all(_shared(box, other) <= allowed + attempt * 0.004 for other in boxes):
                break
            if attempt % 8 == 7:
                scale, half_w, half_h = scale * 0.85, half_w * 0.85, half_h * 0.85
        boxes.append((x - half_w, y - half_h, x + half_w, y + half_h))
        bend = 25.0 if tilts[i] else 5.0
        angle = float(np.clip(rng.normal(0, bend / 2), -bend, bend)) if rng.random() < 0.6 else 0.0
        if style == "table":
            angle *= 0.25
        poses.append(SpritePose(x, y, scale, angle, bool(rng.random() < 0.5), horizon))
    return poses


def draw_order(poses: Sequence[SpritePose], shapes: Sequence[tuple[int, int]]) -> list[int]:
    """Indices, farthest back first; on a table, ordered by the lower edge."""
    if not poses or poses[0].horizon == 0:
        return list(range(len(poses)))
    feet = [p.y + s[0] * p.scale / 2 for p, s in zip(poses, shapes, strict=True)]
    return [int(i) for i in np.argsort(feet, kind="stable")]


def _sizes(count: int, style: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Longer sides in pixels."""
    frame = max(height, width)
    most = min(0.45, 1.25 / np.sqrt(count) * min(height, width) / frame * 0.62)
    if style in ("row", "column"):
        most = min(most, 1.05 / count * (width if style == "row" else height) / frame)
    low = max(0.085, 0.4 * most)
    choice = rng.random()
    if choice < 0.35:  # graded sizes, which can be compared
        steps = np.geomspace(max(0.07, min(low, 0.3 * most)), max(most, low * 1.01), count)
        return steps[rng.permutation(count)] * frame
    if choice < 0.6:
        return np.full(count, rng.uniform(0.65 * most, most)) * rng.uniform(0.93, 1.07, count) * frame
    return np.exp(rng.uniform(np.log(low), np.log(max(most, low * 1.01)), count)) * frame


def _slots(style: str, count: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Centres of slots, `[count,2]` in 0 to 1, for styles with slots."""
    if style in ("row", "column"):
        along = (np.arange(count) + 0.5) / count
        across = rng.uniform(0.3, 0.7) + rng.normal(0, 0.015, count)
        points = np.stack([along, across] if style == "row" else [across, along], axis=1)
    else:
        columns = max(1, round(np.sqrt(count * width / height)))
        rows = int(np.ceil(count / columns))
        cells = [((c + 0.5) / columns, (r + 0.5) / rows) for r in range(rows) for c in range(columns)]
        points = np.array([cells[int(i)] for i in rng.permutation(len(cells))[:count]])
    return points[rng.permutation(count)]


def _spot(
    style: str,
    spots: np.ndarray,
    i: int,
    half_w: float,
    half_h: float,
    height: int,
    width: int,
    horizon: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    margin = 2.0
    if style in ("row", "column", "grid"):
        x = spots[i, 0] * width + rng.normal(0, 0.012) * width
        y = spots[i, 1] * height + rng.normal(0, 0.012) * height
    else:
        x = rng.uniform(half_w, max(half_w + 1, width - half_w))
        low = max(half_h, horizon * height + 4 - half_h) if style == "table" else half_h
        y = rng.uniform(low, max(low + 1, height - half_h))
    return (
        float(np.clip(x, min(half_w + margin, width / 2), max(width - half_w - margin, width / 2))),
        float(np.clip(y, min(half_h + margin, height / 2), max(height - half_h - margin, height / 2))),
    )


def _shared(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Overlap of two boxes, as a share of the smaller one."""
    w = min(one[2], other[2]) - max(one[0], other[0])
    h = min(one[3], other[3]) - max(one[1], other[1])
    if w <= 0 or h <= 0:
        return 0.0
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return w * h / max(1e-6, min(areas))
