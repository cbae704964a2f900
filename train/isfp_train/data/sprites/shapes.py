"""Shapes and textures that several drawings share."""

from __future__ import annotations

import numpy as np

from isfp_train.data.sprites.canvas import polygon, speckles, stripes


def tube(cx: float, top_half: float, bottom_half: float, top: float, bottom: float, bulge: float) -> np.ndarray:
    """Coverage of an upright cylinder or cone seen slightly from above: straight sides, curved foot."""
    foot = [(cx + bottom_half * np.cos(a), bottom - bulge + bulge * np.sin(a)) for a in np.linspace(0, np.pi, 24)]
    head = [(cx + top_half * np.cos(a), top + bulge * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 24)]
    return polygon(foot + head)


def drop(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
    """Coverage of a flame or drop about (cx, cy)."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return polygon([(cx + rx * np.sin(a) * np.cos(a / 2 - np.pi / 2) ** 2 * 1.5, cy - ry * np.cos(a)) for a in angle])


def pattern(rng: np.random.Generator) -> np.ndarray | None:
    """A random texture for a surface, or none."""
    style = rng.integers(6)
    if style == 0:
        return stripes(rng, int(rng.integers(5, 12)), False, 0.16)
    if style == 1:
        return stripes(rng, int(rng.integers(5, 14)), True, 0.16)
    return speckles(rng, 0.03) if style < 4 else None


def contrast(colour: np.ndarray) -> np.ndarray:
    """A darker or lighter tone of the same colour, which is visible without adding a second colour."""
    return np.clip(colour * 0.55, 0, 1) if colour.mean() > 0.45 else np.clip(colour * 1.5 + 0.18, 0, 1)
