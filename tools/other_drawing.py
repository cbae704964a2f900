"""Pictures of `other_scenes.py`: backgrounds, layouts, and drawing sprites with shadows and exact visible masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from isfp import pictures

LAYOUTS = ("free", "row", "grid", "shelf", "cluster")
#: Layouts whose objects stand on something, so that they are hardly rotated.
STANDING = frozenset(("row", "shelf"))
#: Least share of an object that nothing hides, and least distance in RGB (0 to 442) from what is behind it.
LEAST_VISIBLE, LEAST_CONTRAST = 0.75, 50.0
#: Largest part of the smaller of two boxes that the other may cover.
OVERLAP = {"free": 0.10, "cluster": 0.30}


@dataclass(frozen=True)
class Place:
    """Where an object goes.

    Attributes:
        x: centre in pixels.
        y: centre in pixels.
        scale: factor of its size, the same for all objects of a scene.
    """

    x: float
    y: float
    scale: float


def turned(rgba: np.ndarray, longer: float, degrees: float, mirrored: bool) -> np.ndarray:
    """A sprite, uint8 `[h,w,4]`, whose longer side has `longer` pixels, rotated, and cut to its visible part."""
    source = rgba[:, ::-1] if mirrored else rgba
    factor = longer / max(source.shape[:2])
    colours = source.astype(np.float32) / 255
    colours[..., :3] *= colours[..., 3:]
    size = (max(2, round(source.shape[1] * factor)), max(2, round(source.shape[0] * factor)))
    colours = cv2.resize(colours, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    height, width = colours.shape[:2]
    side = int(np.ceil(np.hypot(height, width))) + 4
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += (side / 2 - width / 2, side / 2 - height / 2)
    colours = cv2.warpAffine(colours, matrix, (side, side), flags=cv2.INTER_LINEAR)
    alpha = colours[..., 3:]
    colours[..., :3] = np.divide(colours[..., :3], alpha, out=np.zeros_like(colours[..., :3]), where=alpha > 1e-3)
    ys, xs = np.nonzero(alpha[..., 0] > 0.03)
    return np.round(np.clip(colours[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1], 0, 1) * 255).astype(np.uint8)


def arrange(layout: str, sizes: Sequence[tuple[int, int]], width: int, height: int, rng: np.random.Generator) -> list[Place] | None:
    """Places for objects of the given sizes (width, height in pixels); None if they do not fit.

    Args:
        layout: one of `LAYOUTS`.
        sizes: sizes of the objects.
        width: width of the picture in pixels.
        height: height of the picture in pixels.
        rng: random numbers.
    """
    if layout == "grid":
        return _grid(sizes, width, height, rng)
    if layout in STANDING:
        shelves = 1 if layout == "row" else int(rng.integers(2, 4))
        return _on_shelves(sizes, width, height, shelves, rng)
    return _scattered(layout, sizes, width, height, rng)


def _grid(sizes: Sequence[tuple[int, int]], width: int, height: int, rng: np.random.Generator) -> list[Place]:
    columns = max(2, int(np.ceil(np.sqrt(len(sizes) * width / height))))
    rows = int(np.ceil(len(sizes) / columns))
    wide, high = width / columns, height / rows
    scale = min(1.0, 0.9 * wide / max(w for w, _ in sizes), 0.9 * high / max(h for _, h in sizes))
    places = []
    for (w, h), cell in zip(sizes, rng.permutation(rows * columns)[: len(sizes)], strict=True):
        row, column = divmod(int(cell), columns)
        slack = np.array([wide - w * scale, high - h * scale]) * 0.35
        x, y = np.array([(column + 0.5) * wide, (row + 0.5) * high]) + rng.uniform(-0.5, 0.5, 2) * slack
        places.append(Place(float(x), float(y), scale))
    return places


def board_heights(height: int, shelves: int) -> list[int]:
    """The upper edges of boards that objects stand on, from top to bottom, in pixels."""
    if shelves == 1:
        return [round(0.72 * height)]
    return [round((number + 0.92) * height / shelves) for number in range(shelves)]


def _on_shelves(
    sizes: Sequence[tuple[int, int]], width: int, height: int, shelves: int, rng: np.random.Generator
) -> list[Place] | None:
    boards = board_heights(height, shelves)
    order = rng.permutation(len(sizes))
    parts = [part for part in np.array_split(order, shelves) if len(part)]
    room = 0.66 * height if shelves == 1 else 0.82 * height / shelves
    across = min(0.92 * width / sum(sizes[i][0] * 1.15 for i in part) for part in parts)
    scale = min(1.0, across, room / max(h for _, h in sizes))
    places: dict[int, Place] = {}
    for part, board in zip(parts, boards, strict=False):
        free = 0.96 * width - sum(sizes[i][0] for i in part) * scale
        gaps = rng.dirichlet(np.full(len(part) + 1, 4.0)) * free
        x = 0.02 * width
        for i, gap in zip(part, gaps, strict=False):
            w, h = sizes[i][0] * scale, sizes[i][1] * scale
            places[int(i)] = Place(float(x + gap + w / 2), float(board - h / 2 + 1), scale)
            x += gap + w
    return [places[i] for i in range(len(sizes))]


def _scattered(
    layout: str, sizes: Sequence[tuple[int, int]], width: int, height: int, rng: np.random.Generator
) -> list[Place] | None:
    hearts = rng.uniform((0.2, 0.25), (0.8, 0.75), (int(rng.integers(2, 4)), 2)) * (width, height)
    boxes: list[tuple[float, float, float, float]] = []
    for w, h in sizes:
        if w > 0.9 * width or h > 0.9 * height:
            return None
        for _ in range(60):
            x, y = rng.uniform((w / 2 + 3, h / 2 + 3), (width - w / 2 - 3, height - h / 2 - 3))
            if layout == "cluster":
                x, y = hearts[int(rng.integers(len(hearts)))] + rng.normal(0, 0.13, 2) * (width, height)
                x, y = np.clip((x, y), (w / 2 + 3, h / 2 + 3), (width - w / 2 - 3, height - h / 2 - 3))
            box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            if all(_covered(box, other) <= OVERLAP[layout] for other in boxes):
                boxes.append(box)
                break
        else:
            return None
    return [Place(float(x0 + x1) / 2, float(y0 + y1) / 2, 1.0) for x0, y0, x1, y1 in boxes]


def _covered(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """The part of the smaller of two boxes that the other covers."""
    shared = max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    return shared / min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))


def draw(
    background: np.ndarray, sprites: Sequence[np.ndarray], places: Sequence[Place], standing: bool, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]] | None:
    """Draw sprites in order, each with a shadow.

    Args:
        background: uint8 `[H,W,3]`, RGB.
        sprites: uint8 `[h,w,4]` at their final size.
        places: their centres.
        standing: whether they stand on something, and throw their shadow there.
        rng: random numbers.

    Returns:
        The picture, uint8 `[H,W,3]`, and the visible masks, bool `[H,W]`; None if an object is outside the picture, mostly hidden,
        or hardly differs from what is behind it.
    """
    picture = background.astype(np.float32)
    height, width = background.shape[:2]
    strength = rng.uniform(0.25, 0.5)
    offset = rng.uniform(-0.06, 0.06), rng.uniform(0.02, 0.08)
    masks: list[np.ndarray] = []
    whole: list[int] = []
    for sprite, place in zip(sprites, places, strict=True):
        h, w = sprite.shape[:2]
        left, top = round(place.x - w / 2), round(place.y - h / 2)
        if left < 0 or top < 0 or left + w > width or top + h > height:
            return None
        alpha = np.zeros((height, width), np.float32)
        alpha[top : top + h, left : left + w] = sprite[..., 3] / 255
        behind = picture.copy()
        picture *= 1 - strength * _shadow(alpha, (left, top, w, h), offset, standing)[..., None]
        own = alpha > 0.5
        colours = np.zeros_like(picture)
        colours[top : top + h, left : left + w] = sprite[..., :3]
        if not own.any() or np.linalg.norm(colours[own].mean(0) - behind[own].mean(0)) < LEAST_CONTRAST:
            return None
        picture += alpha[..., None] * (colours - picture)
        masks = [mask & ~own for mask in masks]
        masks.append(own)
        whole.append(int(own.sum()))
    if any(mask.sum() < LEAST_VISIBLE * area for mask, area in zip(masks, whole, strict=True)):
        return None
    return np.clip(picture, 0, 255).astype(np.uint8), masks


def _shadow(alpha: np.ndarray, box: tuple[int, int, int, int], offset: tuple[float, float], standing: bool) -> np.ndarray:
    """How dark a shadow is at each pixel, float32 `[H,W]`, 0 to 1."""
    left, top, w, h = box
    if standing:
        cast = np.zeros_like(alpha)
        axes = max(2, int(0.48 * w)), max(2, int(0.05 * h) + 2)
        cv2.ellipse(cast, (left + w // 2, top + h - 2), axes, 0, 0, 360, 1.0, -1)
        return cv2.GaussianBlur(cast, (0, 0), 0.03 * w + 1)
    size = max(w, h)
    moved = np.array([[1, 0, offset[0] * size], [0, 1, offset[1] * size]], np.float32)
    return cv2.GaussianBlur(cv2.warpAffine(alpha, moved, alpha.shape[::-1]), (0, 0), 0.035 * size + 1)


def finished(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture as a camera sees it: exposure, a little blur and noise."""
    light = picture.astype(np.float32) * rng.uniform(0.88, 1.06)
    if rng.random() < 0.5:
        light = cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.3, 0.8)))
    return np.clip(light + rng.normal(0, rng.uniform(0.5, 4), light.shape), 0, 255).astype(np.uint8)


def backdrop(width: int, height: int, photos: Sequence[Path], rng: np.random.Generator) -> np.ndarray:
    """A background, uint8 `[height,width,3]` RGB: plain, a gradient, a texture or an unsharp part of a photo."""
    style = rng.choice(("plain", "gradient", "texture", "photo"), p=(0.15, 0.2, 0.25, 0.4) if photos else (0.3, 0.3, 0.4, 0.0))
    if style == "photo":
        wall = _unsharp(photos[int(rng.integers(len(photos)))], width, height, rng)
    else:
        base = rng.uniform(50, 235) + rng.normal(0, 22, 3)
        wall = np.broadcast_to(base, (height, width, 3)).astype(np.float32)
        if style == "gradient":
            turn = rng.uniform(0, 2 * np.pi)
            y, x = np.mgrid[:height, :width]
            along = (x / width - 0.5) * np.cos(turn) + (y / height - 0.5) * np.sin(turn)
            wall = wall + along[..., None] * rng.uniform(-110, 110, 3)
        elif style == "texture":
            wall = wall + _texture(width, height, rng)[..., None] * rng.uniform(8, 28)
    return np.clip(wall, 0, 255).astype(np.uint8)


def with_boards(wall: np.ndarray, boards: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """The background with a table below the first board, or with a shelf at each of several boards."""
    shown = wall.astype(np.float32)
    tint = rng.uniform((110, 80, 50), (215, 190, 165)).astype(np.float32)
    height, width = wall.shape[:2]
    thick = height if len(boards) == 1 else max(5, round(0.025 * height))
    grain = _texture(width, height, rng)[..., None] * 8
    for board in boards:
        shown[board : board + thick] = tint + grain[board : board + thick]
        shown[board + thick : board + 2 * thick] *= 0.8  # the board's shadow on the wall
    return np.clip(shown, 0, 255).astype(np.uint8)


def _texture(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Cloudy noise, stripes or checks, float32 `[height,width]` of mean 0 and deviation 1."""
    style = rng.choice(("cloud", "grain", "checks"))
    if style == "checks":
        side = int(rng.integers(12, 60))
        y, x = np.mgrid[:height, :width] // side
        plane = ((x + y) % 2).astype(np.float32)
    else:
        plane = np.zeros((height, width), np.float32)
        for cells in (4, 9, 20, 60):
            rows = max(2, cells * height // width)
            if style == "grain":
                rows, cells = cells * 3, max(2, cells // 4)
            noise = rng.normal(size=(rows, cells)).astype(np.float32)
            plane += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / np.sqrt(cells)
    return (plane - plane.mean()) / (plane.std() + 1e-6)


def _unsharp(path: Path, width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """The calmest of some parts of a photo, out of focus, so that nothing in it can be named."""
    photo = cv2.cvtColor(pictures.read(path), cv2.COLOR_BGR2RGB)
    parts = []
    for _ in range(6):
        side = min(photo.shape[1] / width, photo.shape[0] / height) * rng.uniform(0.35, 0.6)
        w, h = int(width * side), int(height * side)
        top, left = int(rng.integers(photo.shape[0] - h + 1)), int(rng.integers(photo.shape[1] - w + 1))
        parts.append(photo[top : top + h, left : left + w])
    calm = min(parts, key=lambda part: float(cv2.Laplacian(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std()))
    large = cv2.resize(calm, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return cv2.GaussianBlur(large, (0, 0), 0.022 * max(width, height))
