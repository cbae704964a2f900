"""Drawings of vessels."""

from __future__ import annotations

import numpy as np

from isfp_train.data.sprites.canvas import Canvas, ellipse, polygon, rounded
from isfp_train.data.sprites.shapes import contrast, pattern, tube

_LIGHT = np.array([0.93, 0.92, 0.89])
_GREEN = np.array([0.25, 0.55, 0.22])


def mug(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A mug with a handle."""
    height, width, side = rng.uniform(0.5, 0.66), rng.uniform(0.21, 0.27), rng.choice([-1, 1])
    top, bottom, mx = 0.5 - height / 2, 0.5 + height / 2, 0.5 - 0.09 * side
    hx = mx + side * width
    handle = ellipse(hx, 0.5, 0.16, height * 0.30) * (1 - ellipse(hx, 0.5, 0.095, height * 0.19))
    c.fill(handle, colour * 0.92, "flat")
    c.fill(tube(mx, width, width * rng.uniform(0.85, 1.0), top, bottom, 0.05), colour, "tube", pattern(rng))
    c.fill(ellipse(mx, top, width, 0.055), np.clip(colour * 1.1 + 0.05, 0, 1))
    c.fill(ellipse(mx, top + 0.006, width * 0.88, 0.043), colour * 0.45)
    if rng.random() < 0.5:
        c.fill(ellipse(mx, top + 0.014, width * 0.80, 0.034), np.array([0.26, 0.14, 0.07]))


def glass_cup(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A cup without a handle."""
    height, width = rng.uniform(0.55, 0.78), rng.uniform(0.19, 0.25)
    top, bottom = 0.5 - height / 2, 0.5 + height / 2
    c.fill(tube(0.5, width, width * rng.uniform(0.62, 0.78), top, bottom, 0.04), colour, "tube", pattern(rng))
    c.fill(ellipse(0.5, top, width, 0.05), np.clip(colour * 1.12 + 0.06, 0, 1))
    c.fill(ellipse(0.5, top + 0.006, width * 0.9, 0.04), colour * 0.5)


def bottle(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A bottle with a cap."""
    w, neck, shoulder = rng.uniform(0.13, 0.19), rng.uniform(0.045, 0.07), rng.uniform(0.28, 0.42)
    body = [
        (0.5 - neck, 0.10),
        (0.5 - neck, shoulder - 0.12),
        (0.5 - w, shoulder),
        (0.5 - w, 0.93),
        (0.5 - w * 0.9, 0.96),
        (0.5 + w * 0.9, 0.96),
        (0.5 + w, 0.93),
        (0.5 + w, shoulder),
        (0.5 + neck, shoulder - 0.12),
        (0.5 + neck, 0.10),
    ]
    c.fill(polygon(body), colour, "tube")
    c.fill(rounded(0.5 - neck - 0.012, 0.04, 0.5 + neck + 0.012, 0.125, 0.015), contrast(colour) * 0.9, "tube")
    if rng.random() < 0.6:
        c.fill(rounded(0.5 - w, 0.55, 0.5 + w, 0.78, 0.005), _LIGHT if colour.mean() < 0.8 else colour * 0.75, "tube")


def bowl(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A bowl."""
    depth, rim = rng.uniform(0.28, 0.40), rng.uniform(0.07, 0.13)
    angle = np.linspace(0, np.pi, 30)
    arc = [(0.5 + 0.45 * np.cos(a), 0.38 + depth * np.sin(a) ** 0.8) for a in angle]
    c.fill(rounded(0.36, 0.38 + depth - 0.05, 0.64, 0.38 + depth + 0.035, 0.02), colour * 0.75, "tube")
    c.fill(polygon(arc), colour, "tube", pattern(rng))
    c.fill(ellipse(0.5, 0.38, 0.45, rim), np.clip(colour * 1.12 + 0.05, 0, 1))
    c.fill(ellipse(0.5, 0.385, 0.41, rim * 0.82), colour * 0.58)


def plate(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A plate."""
    flat = rng.uniform(0.55, 1.0)
    c.fill(ellipse(0.5, 0.515, 0.46, 0.46 * flat), colour * 0.7)
    c.fill(ellipse(0.5, 0.5, 0.46, 0.455 * flat), colour, "flat")
    c.fill(ellipse(0.5, 0.5, 0.33, 0.325 * flat), colour * 0.80)
    c.fill(ellipse(0.5, 0.507, 0.31, 0.305 * flat), np.clip(colour * 1.04, 0, 1), "flat")


def can(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A tin."""
    w, h = rng.uniform(0.2, 0.25), rng.uniform(0.56, 0.76)
    top, bottom, steel = 0.5 - h / 2, 0.5 + h / 2, np.array([0.74, 0.75, 0.77])
    c.fill(tube(0.5, w * 0.94, w * 0.94, top, bottom + 0.02, 0.05), steel, "tube")
    c.fill(tube(0.5, w, w, top + 0.03, bottom, 0.05), colour, "tube")
    if rng.random() < 0.6:
        c.fill(ellipse(0.5, 0.53, w * 0.55, 0.10), contrast(colour))
    c.fill(ellipse(0.5, top + 0.01, w * 0.94, 0.05), steel * 1.08)
    c.fill(ellipse(0.5, top + 0.014, w * 0.82, 0.04), steel * 0.8)
    c.fill(ellipse(0.5, top + 0.02, w * 0.22, 0.016), steel * 0.5)


def plant(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A plant in a pot."""
    for _ in range(int(rng.integers(7, 12))):
        a, length = rng.uniform(-1.1, 1.1), rng.uniform(0.30, 0.5)
        tip = (0.5 + np.sin(a) * length, 0.62 - np.cos(a) * length)
        middle, turn = ((0.5 + tip[0]) / 2, (0.62 + tip[1]) / 2), np.rad2deg(a) - 90
        c.fill(
            ellipse(middle[0], middle[1], length * 0.52, rng.uniform(0.045, 0.075), turn),
            _GREEN * rng.uniform(0.7, 1.25),
        )
    _pot(c, colour, 0.60)


def empty_pot(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A plant pot."""
    _pot(c, colour, rng.uniform(0.25, 0.35), 0.34)


def _pot(c: Canvas, colour: np.ndarray, top: float, width: float = 0.22) -> None:
    c.fill(tube(0.5, width, width * 0.68, top + 0.05, 0.93, 0.04), colour, "tube")
    c.fill(ellipse(0.5, top, width * 1.13, 0.05), colour * 0.5)
    rim = tube(0.5, width * 1.13, width * 1.10, top, top + 0.10, 0.04) * (1 - ellipse(0.5, top, width * 1.0, 0.036))
    c.fill(rim, np.clip(colour * 1.05, 0, 1), "tube")


def vase(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A vase."""
    belly, neck, foot, high = (
        rng.uniform(0.2, 0.28),
        rng.uniform(0.07, 0.12),
        rng.uniform(0.10, 0.15),
        rng.uniform(0.5, 0.68),
    )
    ys = np.linspace(0.06, 0.95, 36)
    half = np.interp(ys, [0.06, 0.13, 0.25, high, 0.88, 0.95], [neck * 1.35, neck, neck * 1.15, belly, foot, foot * 1.08])
    half = np.convolve(np.pad(half, 3, "edge"), np.ones(7) / 7, "valid")
    outline = [(0.5 - w, y) for w, y in zip(half, ys, strict=True)] + [
        (0.5 + w, y) for w, y in zip(half[::-1], ys[::-1], strict=True)
    ]
    c.fill(polygon(outline), colour, "tube", pattern(rng))
    c.fill(ellipse(0.5, 0.065, half[0], 0.028), colour * 0.45)
