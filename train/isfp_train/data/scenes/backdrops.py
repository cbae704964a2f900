"""Backdrops for objects: generated textures, and parts of photos with little detail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from isfp import pictures
from isfp.pictures import ENDINGS
from isfp_train.data.scene import in_split

HELD_OUT_SHARE = 0.10


@dataclass(frozen=True)
class VisibleObject:
    """An object that is visible in a photo or a backdrop.

    Attributes:
        mask: bool `[H,W]`.
        names: as in `SceneObject`.
        kind: as in `SceneObject`.
        colour: as in `SceneObject`.
        nameable: as in `SceneObject`.
        annotation: id of its annotation, if it has one.
        kept: share of the object that is inside the crop.
    """

    mask: np.ndarray
    names: tuple[str, ...]
    kind: str
    colour: str | None
    nameable: bool
    annotation: int | None = None
    kept: float = 1.0


class PhotoBackdrops:
    """Crops of photos without annotations.

    Of several crops, the one with the least detail is used, and the remaining detail is blurred, as by a lens that is focused on
    the objects in front. So nothing in the backdrop competes with them for a name.

    Args:
        folder: the photos.
        split: "train", "held_out" (about 10 % of the files, by the hash of the file's name) or "all".

    Raises:
        FileNotFoundError: the folder has no photos of that split.
    """

    def __init__(self, folder: str | Path, split: str = "train") -> None:
        paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in ENDINGS)
        self._paths = [path for path in paths if in_split(path.name, HELD_OUT_SHARE, split)]
        if not self._paths:
            raise FileNotFoundError(
                f"There are no photos of split {split!r} in {folder}; expected {', '.join(sorted(ENDINGS))} files."
            )

    @property
    def files(self) -> list[str]:
        """Sorted names of the files in use."""
        return [path.name for path in self._paths]

    def backdrop(self, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """A random backdrop, uint8 `[height,width,3]` RGB."""
        photo = _photo(self._paths[int(rng.integers(len(self._paths)))])
        best, least = photo, np.inf
        for _ in range(8):
            share = rng.uniform(0.2, 0.55)
            h = int(min(share * photo.shape[0], photo.shape[1] * height / width))
            w = min(photo.shape[1], max(8, int(h * width / height)))
            y, x = int(rng.integers(photo.shape[0] - h + 1)), int(rng.integers(photo.shape[1] - w + 1))
            crop = photo[y : y + h, x : x + w]
            small = cv2.resize(crop, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
            detail = float(np.abs(np.diff(small, axis=0)).mean() + np.abs(np.diff(small, axis=1)).mean())
            if detail < least:
                best, least = crop, detail
        flipped = best[:, ::-1] if rng.random() < 0.5 else best
        view = cv2.resize(np.ascontiguousarray(flipped), (width, height), interpolation=cv2.INTER_LINEAR)
        blur = max(0.0, (least - 9.0) / 3.5) * max(height, width) / 320
        return cv2.GaussianBlur(view, (0, 0), blur) if blur > 0.3 else view


@lru_cache(maxsize=256)
def _photo(path: Path) -> np.ndarray:
    return cv2.cvtColor(pictures.read(path), cv2.COLOR_BGR2RGB)


def texture(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random generated surface (wood, cloth, tiles, checks, stone, a gradient), uint8 `[height,width,3]` RGB."""
    made = _TEXTURES[int(rng.integers(len(_TEXTURES)))](height, width, rng)
    return np.clip(made * 255 + 0.5, 0, 255).astype(np.uint8)


def room(height: int, width: int, horizon: float, rng: np.random.Generator) -> np.ndarray:
    """A wall above a table or floor, uint8 `[height,width,3]` RGB; `horizon` (0 to 1 of the height) separates them."""
    edge = int(np.clip(horizon * height, 1, height - 1))
    wall = cv2.GaussianBlur(texture(edge, width, rng), (0, 0), 1.5) if rng.random() < 0.6 else _wall(edge, width, rng)
    plane = _in_perspective(texture(height - edge, width, rng)) if rng.random() < 0.8 else texture(height - edge, width, rng)
    view = np.vstack([wall, plane]).astype(np.float32)
    depth = np.clip((np.arange(height) - edge) / max(1, height - edge), -0.3, 1)
    fall = np.where(np.arange(height) < edge, rng.uniform(0.8, 1.0), 0.85 + 0.2 * depth).astype(np.float32)
    fall[max(0, edge - 2) : edge + 1] *= 0.8
    return np.clip(view * fall[:, None, None], 0, 255).astype(np.uint8)


def _in_perspective(plane: np.ndarray) -> np.ndarray:
    height, width = plane.shape[:2]
    inset = 0.28 * width
    source = np.array([[inset, 0], [width - inset, 0], [width, height], [0, height]], np.float32)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return cv2.warpPerspective(plane, cv2.getPerspectiveTransform(source, target), (width, height), borderMode=cv2.BORDER_REFLECT)


def _wall(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(_gradient(height, width, rng) * 255, 0, 255).astype(np.uint8)


def _tone(rng: np.random.Generator, saturation: float = 0.35) -> np.ndarray:
    """A muted colour, float32 `[3]`, on which bright objects stand out."""
    hsv = np.array([[[rng.uniform(0, 360), rng.uniform(0, saturation), rng.uniform(0.22, 0.92)]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]


def _cloud(height: int, width: int, cells: float, rng: np.random.Generator, stretch: float = 1.0) -> np.ndarray:
    """Smooth noise, float32 `[height,width]`, roughly -1 to 1."""
    rows, columns = max(2, int(cells)), max(2, int(cells * stretch * width / height))
    grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def _gradient(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    one, other = _tone(rng), _tone(rng)
    other = one + 0.5 * (other - one)
    angle = rng.uniform(0, 2 * np.pi)
    v, u = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    t = np.clip(0.5 + (u - 0.5) * np.cos(angle) + (v - 0.5) * np.sin(angle), 0, 1)[..., None]
    return one * (1 - t) + other * t


def _wood(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    hsv = np.array([[[rng.uniform(18, 36), rng.uniform(0.25, 0.6), rng.uniform(0.35, 0.85)]]], np.float32)
    base = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    grain = np.sin(_cloud(height, width, rng.uniform(3, 7), rng, 0.25) * rng.uniform(9, 22))
    fine = _cloud(height, width, height / 2, rng, 0.06)
    factor = 1 + 0.08 * grain + 0.07 * fine
    boards = int(rng.integers(0, 6))
    if boards:
        rows = (np.arange(height) * boards / height + rng.uniform()) % 1.0
        factor = factor * np.where(rows < 0.025, 0.62, 1.0)[:, None].astype(np.float32)
    wood = base * factor[..., None]
    if rng.random() < 0.5 or boards == 0:
        return wood
    turned = cv2.resize(np.ascontiguousarray(np.swapaxes(wood, 0, 1)), (width, height))
    return turned.astype(np.float32)


def _cloth(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    base, pitch = _tone(rng, 0.5), rng.uniform(2.2, 5.0)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    weave = 0.06 * np.sin(u * np.pi * 2 / pitch) * np.sin(v * np.pi * 2 / pitch)
    folds = 0.16 * _cloud(height, width, rng.uniform(2, 5), rng)
    return base * (1 + weave + folds)[..., None]


def _checks(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    one, cells = _tone(rng, 0.5), rng.uniform(4, 11)
    other = one + rng.uniform(0.3, 0.7) * (_tone(rng, 0.3) - one)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32) / height * cells
    odd = ((np.floor(u + 0.37) + np.floor(v + 0.61)) % 2)[..., None].astype(np.float32)
    odd = cv2.GaussianBlur(odd, (0, 0), 0.7)[..., None]
    return (one * odd + other * (1 - odd)) * (1 + 0.05 * _cloud(height, width, 30, rng)[..., None])


def _tiles(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    base, cells = _tone(rng, 0.25), rng.uniform(3, 8)
    joint = base * rng.uniform(0.6, 0.8)
    rows, columns = int(cells) + 2, int(cells * width / height) + 2
    tint = rng.normal(1, 0.035, (rows, columns)).astype(np.float32)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32) / height * cells
    face = tint[np.minimum(v.astype(int), rows - 1), np.minimum(u.astype(int), columns - 1)]
    gap = np.maximum(np.abs(u % 1 - 0.5), np.abs(v % 1 - 0.5))
    weight = np.clip((gap - 0.465) * 40, 0, 1)[..., None]
    return base * face[..., None] * (1 - weight) + joint * weight


def _stone(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    base = _tone(rng, 0.2)
    noise = 0.14 * _cloud(height, width, 4, rng) + 0.08 * _cloud(height, width, 18, rng) + 0.07 * _cloud(height, width, 90, rng)
    return base * np.asarray(1 + noise)[..., None]


def _bands(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    one = _tone(rng, 0.45)
    other = one + rng.uniform(0.2, 0.5) * (_tone(rng) - one)
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(10, 40)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = np.clip(np.sin((u * np.cos(angle) + v * np.sin(angle)) * 2 * np.pi / pitch) * 3 + 0.5, 0, 1)[..., None]
    return one * wave + other * (1 - wave)


_TEXTURES: tuple[Callable[[int, int, np.random.Generator], np.ndarray], ...] = (
    _gradient, _wood, _wood, _cloth, _checks, _tiles, _stone, _stone, _bands,
)  # fmt: skip
