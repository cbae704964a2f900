"""Textures of tables, cloths, walls and floors, made by code or cut from photos."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 512  # pixels


def surface(rng: np.random.Generator, photos: list | None = None) -> np.ndarray:
    """A random texture, uint8 `[SIDE,SIDE,3]` RGB: plain, wood, cloth, marble, tiles, or noise, or a part of one of the photos."""
    makers = [_plain, _plain, _wood, _wood, _wood, _cloth, _cloth, _marble, _tiles, _noise]
    number = int(rng.integers(len(makers) + (3 if photos else 0)))
    if number >= len(makers) and photos:
        return _part(photos[int(rng.integers(len(photos)))], rng)
    colour = _colour(rng)
    return np.clip(makers[number](colour, rng), 0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A colour as furniture has it: mostly pale, some dark, some strong; float `[3]`, 0 to 255."""
    saturation = rng.choice([rng.uniform(0, 0.15), rng.uniform(0.1, 0.45), rng.uniform(0.4, 0.8)], p=[0.5, 0.35, 0.15])
    hsv = np.array([[[rng.uniform(0, 360), saturation, rng.choice([rng.uniform(0.6, 1.0), rng.uniform(0.15, 0.6)], p=[0.7, 0.3])]]])
    return cv2.cvtColor(hsv.astype(np.float32), cv2.COLOR_HSV2RGB)[0, 0] * 255


def _clouds(rng: np.random.Generator, shape: tuple[int, int], octaves: int = 6) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1, float32 `[SIDE,SIDE]`; `shape` is the grid of its coarsest waves."""
    total = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(octaves):
        grid = [min(SIDE, side << octave) for side in shape]
        waves = rng.normal(size=grid).astype(np.float32)
        total += cv2.resize(waves, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def _plain(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return colour + _clouds(rng, (3, 3), 4)[..., None] * rng.uniform(0, 4)


def _noise(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    coarse = int(rng.integers(4, 40))
    return colour + _clouds(rng, (coarse, coarse), 4)[..., None] * rng.uniform(5, 30, 3)


def _wood(_: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    light, dark = np.array([rng.uniform(150, 225), rng.uniform(115, 175), rng.uniform(75, 135)]), rng.uniform(0.5, 0.85)
    light = light * rng.uniform(0.4, 1.05)
    grain = np.sin(_clouds(rng, (int(rng.integers(6, 20)), 1), 5) * rng.uniform(2, 6)) * 0.5 + 0.5
    fine = _clouds(rng, (128, 2), 2) * 0.06
    picture = light * (1 - (1 - dark) * (grain[..., None] * 0.7) + fine[..., None])
    if rng.random() < 0.5:
        for edge in range(0, SIDE, SIDE // int(rng.integers(3, 9))):
            picture[edge : edge + 2] *= 0.6
            picture[edge : edge + SIDE // 8] *= rng.uniform(0.9, 1.08)
    return picture if rng.random() < 0.5 else picture.transpose(1, 0, 2)


def _cloth(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    other, period = _colour(rng), int(rng.integers(8, 90))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    along = (columns // period) % 2
    across = (rows // period) % 2
    pattern = [along * 1.0, (along + across) / 2.0, (along ^ across) * 1.0, np.zeros((SIDE, SIDE))][int(rng.integers(4))]
    weave = ((rows + columns) % 4 < 2) * rng.uniform(0, 14) + _clouds(rng, (2, 2), 4) * rng.uniform(0, 8)
    return colour * (1 - pattern[..., None]) + other * pattern[..., None] + weave[..., None]


def _marble(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    veins = np.abs(_clouds(rng, (3, 3), 6)) ** 0.5
    return colour * (0.6 + 0.4 * np.clip(veins, 0, 1)[..., None]) + _clouds(rng, (16, 16), 4)[..., None] * 4


def _tiles(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(3, 12))
    shades = cv2.resize(rng.normal(size=(count, count, 3)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    picture = colour + shades * rng.uniform(0, 12) + _clouds(rng, (16, 16), 4)[..., None] * 3
    width, joint = SIDE / count, rng.uniform(60, 220)
    near = (np.arange(SIDE) % width) < max(2, width * 0.04)
    picture[near] = joint
    picture[:, near] = joint
    return picture


def _part(photo, rng: np.random.Generator) -> np.ndarray:
    picture = cv2.cvtColor(cv2.imread(str(photo), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    side = int(min(picture.shape[:2]) * rng.uniform(0.4, 1.0))
    top, left = (int(rng.integers(limit - side + 1)) for limit in picture.shape[:2])
    part = cv2.resize(picture[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(part, (0, 0), float(rng.uniform(0.1, 3)))
