"""A small canvas for anti-aliased shapes with shading, on a transparent background."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

#: Side of the canvas in pixels. Shapes are given in units of it, from (0,0) at the top left to (1,1) at the bottom right.
SIDE = 192
_RAMP = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
_BITS = 6

Points = Sequence[tuple[float, float]]


class Canvas:
    """Premultiplied float32 RGBA, painted from back to front; the light comes from `light` (-1: left, 1: right)."""

    def __init__(self, light: float = -0.6) -> None:
        self.rgb = np.zeros((SIDE, SIDE, 3), np.float32)
        self.alpha = np.zeros((SIDE, SIDE), np.float32)
        self.light = light

    def fill(self, shape: np.ndarray, colour: np.ndarray, form: str = "flat", texture: np.ndarray | None = None) -> None:
        """Paint `shape`, a coverage float32 `[SIDE,SIDE]`, in `colour`, RGB 0 to 1.

        Args:
            shape: from `polygon`, `ellipse`, `stroke` or a product of them.
            colour: float `[3]`.
            form: "flat" (slight shading), "round" (a ball) or "tube" (an upright cylinder).
            texture: factor of the colour, float32 `[SIDE,SIDE]`.
        """
        ys, xs = np.nonzero(shape > 0.004)
        if len(ys) == 0:
            return
        rows, columns = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
        cover = shape[rows, columns]
        u = np.linspace(-1, 1, cover.shape[1], dtype=np.float32)[None, :]
        v = np.linspace(-1, 1, cover.shape[0], dtype=np.float32)[:, None]
        factor, gloss = self._light(u, v, form)
        if texture is not None:
            factor = factor * texture[rows, columns]
        paint = np.clip(colour.astype(np.float32) * factor[..., None] + gloss[..., None], 0, 1)
        weight = cover[..., None]
        self.rgb[rows, columns] = self.rgb[rows, columns] * (1 - weight) + paint * weight
        self.alpha[rows, columns] = self.alpha[rows, columns] * (1 - cover) + cover

    def cut(self, shape: np.ndarray) -> None:
        """Make `shape` transparent."""
        self.rgb *= 1 - shape[..., None]
        self.alpha *= 1 - shape

    def _light(self, u: np.ndarray, v: np.ndarray, form: str) -> tuple[np.ndarray, np.ndarray]:
        if form == "round":
            reach = np.sqrt((u - 0.45 * self.light) ** 2 + (v + 0.45) ** 2)
            return 1.12 - 0.30 * reach**1.6, 0.55 * np.exp(-((reach / 0.22) ** 2))
        if form == "tube":
            side = (u - 0.5 * self.light) ** 2
            return (1.10 - 0.24 * side) * np.ones_like(v), 0.22 * np.exp(-side / 0.02) * np.ones_like(v)
        fall = 1.03 - 0.10 * v + 0.06 * self.light * u
        return fall, np.zeros_like(fall)

    def picture(self) -> np.ndarray:
        """The painted part, uint8 `[h,w,4]` with straight alpha."""
        ys, xs = np.nonzero(self.alpha > 0.02)
        rows, columns = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
        alpha = self.alpha[rows, columns, None]
        straight = self.rgb[rows, columns] / np.maximum(alpha, 1e-3)
        return (np.concatenate([np.clip(straight, 0, 1), alpha], axis=2) * 255 + 0.5).astype(np.uint8)


def polygon(points: Points) -> np.ndarray:
    """Coverage of a closed polygon, float32 `[SIDE,SIDE]`."""
    cover = np.zeros((SIDE, SIDE), np.uint8)
    fixed = np.round(np.asarray(points, np.float64) * SIDE * (1 << _BITS) - (1 << (_BITS - 1))).astype(np.int32)
    cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, _BITS)
    return cover.astype(np.float32) / 255


def ellipse(cx: float, cy: float, rx: float, ry: float, turn: float = 0.0) -> np.ndarray:
    """Coverage of an ellipse, float32 `[SIDE,SIDE]`; `turn` is in degrees."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    x, y = rx * np.cos(angle), ry * np.sin(angle)
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    return polygon(list(zip(cx + c * x - s * y, cy + s * x + c * y, strict=True)))


def stroke(points: Points, width: float) -> np.ndarray:
    """Coverage of a line through `points` with round ends, float32 `[SIDE,SIDE]`."""
    fixed = np.round(np.asarray(points, np.float64) * SIDE * 16).astype(np.int32)
    cover = np.zeros((SIDE, SIDE), np.uint8)
    cv2.polylines(cover, [fixed], False, 255, max(1, round(width * SIDE)), cv2.LINE_AA, 4)
    return cover.astype(np.float32) / 255


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> np.ndarray:
    """Coverage of a box with round corners, float32 `[SIDE,SIDE]`."""
    r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    points = []
    for cx, cy, start in ((x1 - r, y0 + r, -90), (x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180)):
        for degrees in np.linspace(start, start + 90, 9):
            points.append((cx + r * np.cos(np.deg2rad(degrees)), cy + r * np.sin(np.deg2rad(degrees))))
    return polygon(points)


def stripes(rng: np.random.Generator, count: int, upright: bool, strength: float = 0.25) -> np.ndarray:
    """Texture of soft stripes, float32 `[SIDE,SIDE]`."""
    wave = 1 - strength * (np.sin(_RAMP * np.pi * 2 * count + rng.uniform(0, 6)) > 0.3)
    return np.broadcast_to(wave[None, :] if upright else wave[:, None], (SIDE, SIDE)).astype(np.float32)


def speckles(rng: np.random.Generator, strength: float = 0.08) -> np.ndarray:
    """Texture of fine grain, float32 `[SIDE,SIDE]`."""
    small = rng.normal(1.0, strength, (SIDE // 3, SIDE // 3)).astype(np.float32)
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
