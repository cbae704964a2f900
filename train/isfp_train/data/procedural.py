"""Everyday things drawn by code: scenes with exact masks that need no data at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from isfp_train.data.canvas import Canvas, ellipse, polygon, rounded, speckles, stripes, stroke
from isfp_train.data.colours import COLOURS, paint
from isfp_train.data.sprites import Sprite

_DARK = np.array([0.10, 0.09, 0.09])
_LIGHT = np.array([0.93, 0.92, 0.89])
_WOOD = np.array([0.80, 0.62, 0.40])
_GREEN = np.array([0.25, 0.55, 0.22])


def _mug(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    height, width, side = rng.uniform(0.5, 0.66), rng.uniform(0.21, 0.27), rng.choice([-1, 1])
    top, bottom, mx = 0.5 - height / 2, 0.5 + height / 2, 0.5 - 0.09 * side
    hx = mx + side * width
    handle = ellipse(hx, 0.5, 0.16, height * 0.30) * (1 - ellipse(hx, 0.5, 0.095, height * 0.19))
    c.fill(handle, colour * 0.92, "flat")
    c.fill(_tube(mx, width, width * rng.uniform(0.85, 1.0), top, bottom, 0.05), colour, "tube", _pattern(rng))
    c.fill(ellipse(mx, top, width, 0.055), np.clip(colour * 1.1 + 0.05, 0, 1))
    c.fill(ellipse(mx, top + 0.006, width * 0.88, 0.043), colour * 0.45)
    if rng.random() < 0.5:
        c.fill(ellipse(mx, top + 0.014, width * 0.80, 0.034), np.array([0.26, 0.14, 0.07]))


def _glass_cup(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    height, width = rng.uniform(0.55, 0.78), rng.uniform(0.19, 0.25)
    top, bottom = 0.5 - height / 2, 0.5 + height / 2
    c.fill(_tube(0.5, width, width * rng.uniform(0.62, 0.78), top, bottom, 0.04), colour, "tube", _pattern(rng))
    c.fill(ellipse(0.5, top, width, 0.05), np.clip(colour * 1.12 + 0.06, 0, 1))
    c.fill(ellipse(0.5, top + 0.006, width * 0.9, 0.04), colour * 0.5)


def _ball(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    disc = ellipse(0.5, 0.5, 0.44, 0.44)
    c.fill(disc, colour, "round", speckles(rng, 0.03))
    style = rng.integers(4)
    line = _contrast(colour)
    if style == 0:
        turn = rng.uniform(0, 180)
        c.fill(disc * ellipse(0.5, 0.5, 0.44, 0.13, turn) * (1 - ellipse(0.5, 0.5, 0.42, 0.08, turn)), line)
    elif style == 1:
        turn = rng.uniform(0, 180)
        for k in range(3):
            ring = ellipse(0.5, 0.5, 0.44, 0.20, turn + 60 * k) * (1 - ellipse(0.5, 0.5, 0.43, 0.185, turn + 60 * k))
            c.fill(disc * ring, line)


def _box(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    w, h, d = rng.uniform(0.24, 0.36), rng.uniform(0.24, 0.44), rng.uniform(0.10, 0.2)
    x, y, lean = 0.42, 0.40, 0.72 * d
    front = [(x - w, y), (x + w * 0.6, y), (x + w * 0.6, y + h), (x - w, y + h)]
    c.fill(polygon(front), colour, "flat", _pattern(rng))
    roof = [front[0], (x - w + d, y - lean), (x + w * 0.6 + d, y - lean), front[1]]
    c.fill(polygon(roof), np.clip(colour * 1.18 + 0.05, 0, 1))
    side = [front[1], roof[2], (roof[2][0], roof[2][1] + h), front[2]]
    c.fill(polygon(side), colour * 0.68)
    if rng.random() < 0.5:
        middle = x - w * 0.2
        c.fill(polygon([(middle - 0.03, y), (middle + 0.03, y), (middle + 0.03, y + h), (middle - 0.03, y + h)]), _contrast(colour))
        c.fill(polygon([(middle - 0.03, y), (middle + 0.03, y), (middle + 0.03 + d, y - lean), (middle - 0.03 + d, y - lean)]), _contrast(colour))


def _cube(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    s, drop = 0.38, rng.uniform(0.16, 0.22)
    top = [(0.5, 0.5 - 2 * drop), (0.5 + s, 0.5 - drop), (0.5, 0.5), (0.5 - s, 0.5 - drop)]
    high = s * 1.05
    c.fill(polygon([top[3], top[2], (0.5, 0.5 + high), (0.5 - s, 0.5 - drop + high)]), colour * (1.0 if c.light < 0 else 0.72))
    c.fill(polygon([top[2], top[1], (0.5 + s, 0.5 - drop + high), (0.5, 0.5 + high)]), colour * (0.72 if c.light < 0 else 1.0))
    c.fill(polygon(top), np.clip(colour * 1.2 + 0.06, 0, 1))


def _bottle(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    w, neck, shoulder = rng.uniform(0.13, 0.19), rng.uniform(0.045, 0.07), rng.uniform(0.28, 0.42)
    body = [(0.5 - neck, 0.10), (0.5 - neck, shoulder - 0.12), (0.5 - w, shoulder), (0.5 - w, 0.93), (0.5 - w * 0.9, 0.96),
            (0.5 + w * 0.9, 0.96), (0.5 + w, 0.93), (0.5 + w, shoulder), (0.5 + neck, shoulder - 0.12), (0.5 + neck, 0.10)]  # fmt: skip
    c.fill(polygon(body), colour, "tube")
    c.fill(rounded(0.5 - neck - 0.012, 0.04, 0.5 + neck + 0.012, 0.125, 0.015), _contrast(colour) * 0.9, "tube")
    if rng.random() < 0.6:
        c.fill(rounded(0.5 - w, 0.55, 0.5 + w, 0.78, 0.005), _LIGHT if colour.mean() < 0.8 else colour * 0.75, "tube")


def _book(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    w, thick = rng.uniform(0.24, 0.32), rng.uniform(0.035, 0.075)
    x0, x1, y0, y1 = 0.5 - w, 0.5 + w, 0.08, 0.86
    c.fill(polygon([(x0 + 0.01, y1), (x1, y1), (x1 + thick, y1 + thick), (x0 + thick, y1 + thick)]), _LIGHT * 0.85)
    c.fill(polygon([(x1, y0), (x1 + thick, y0 + thick), (x1 + thick, y1 + thick), (x1, y1)]), _LIGHT * 0.95, "flat", stripes(rng, 60, True, 0.15))
    c.fill(rounded(x0, y0, x1, y1, 0.02), colour, "flat", speckles(rng, 0.03))
    c.fill(polygon([(x0, y0), (x0 + 0.06, y0), (x0 + 0.06, y1), (x0, y1)]), colour * 0.72)
    ink = _contrast(colour)
    c.fill(rounded(x0 + 0.12, y0 + 0.12, x1 - 0.07, y0 + 0.17, 0.01), ink)
    if rng.random() < 0.7:
        c.fill(rounded(x0 + 0.16, y0 + 0.22, x1 - 0.11, y0 + 0.25, 0.01), ink)
    if rng.random() < 0.4:
        c.fill(ellipse((x0 + x1) / 2 + 0.03, 0.58, 0.09, 0.09), ink * 0.9)


def _bowl(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    depth, rim = rng.uniform(0.28, 0.40), rng.uniform(0.07, 0.13)
    angle = np.linspace(0, np.pi, 30)
    arc = [(0.5 + 0.45 * np.cos(a), 0.38 + depth * np.sin(a) ** 0.8) for a in angle]
    c.fill(rounded(0.36, 0.38 + depth - 0.05, 0.64, 0.38 + depth + 0.035, 0.02), colour * 0.75, "tube")
    c.fill(polygon(arc), colour, "tube", _pattern(rng))
    c.fill(ellipse(0.5, 0.38, 0.45, rim), np.clip(colour * 1.12 + 0.05, 0, 1))
    c.fill(ellipse(0.5, 0.385, 0.41, rim * 0.82), colour * 0.58)


def _plate(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    flat = rng.uniform(0.55, 1.0)
    c.fill(ellipse(0.5, 0.515, 0.46, 0.46 * flat), colour * 0.7)
    c.fill(ellipse(0.5, 0.5, 0.46, 0.455 * flat), colour, "flat")
    c.fill(ellipse(0.5, 0.5, 0.33, 0.325 * flat), colour * 0.80)
    c.fill(ellipse(0.5, 0.507, 0.31, 0.305 * flat), np.clip(colour * 1.04, 0, 1), "flat")


def _pencil(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    h = rng.uniform(0.035, 0.055)
    c.fill(rounded(0.04, 0.5 - h, 0.13, 0.5 + h, 0.02), np.array([0.92, 0.55, 0.58]))
    c.fill(rounded(0.11, 0.5 - h, 0.17, 0.5 + h, 0.002), np.array([0.72, 0.72, 0.70]))
    for k, f in enumerate((1.12, 0.95, 0.72)):
        y = 0.5 - h + 2 * h * k / 3
        c.fill(polygon([(0.16, y), (0.8, y), (0.8, y + 2 * h / 3), (0.16, y + 2 * h / 3)]), np.clip(colour * f + 0.02, 0, 1))
    c.fill(polygon([(0.8, 0.5 - h), (0.96, 0.5), (0.8, 0.5 + h)]), np.array([0.90, 0.75, 0.55]))
    c.fill(polygon([(0.91, 0.5 - h * 0.32), (0.965, 0.5), (0.91, 0.5 + h * 0.32)]), colour * 0.6)


def _key(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    radius = rng.uniform(0.13, 0.17)
    bow = ellipse(0.22, 0.5, radius + 0.03, radius) * (1 - ellipse(0.19, 0.5, radius * 0.5, radius * 0.5))
    c.fill(stroke([(0.36, 0.5), (0.93, 0.5)], 0.065), colour, "flat")
    for x in (0.72, 0.82, 0.91):
        length = rng.uniform(0.08, 0.14)
        c.fill(rounded(x - 0.025, 0.5, x + 0.025, 0.5 + length, 0.008), colour * 0.88)
    c.fill(bow, colour, "flat")


def _star(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    inner, turn = rng.uniform(0.18, 0.23), rng.uniform(-0.2, 0.2)
    corners = []
    for k in range(10):
        r, a = (0.46 if k % 2 == 0 else inner), -np.pi / 2 + k * np.pi / 5 + turn
        corners.append((0.5 + r * np.cos(a), 0.52 + r * np.sin(a)))
    c.fill(polygon(corners), colour, "flat")
    for k in range(0, 10, 2):
        c.fill(polygon([(0.5, 0.52), corners[k], corners[(k + 1) % 10]]), np.clip(colour * 0.86, 0, 1))


def _ring(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    flat, hole = rng.uniform(0.7, 1.0), rng.uniform(0.24, 0.32)
    band = ellipse(0.5, 0.5, 0.45, 0.45 * flat) * (1 - ellipse(0.5, 0.5, hole, hole * flat))
    c.fill(band, colour, "round")


def _can(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    w, h = rng.uniform(0.2, 0.25), rng.uniform(0.56, 0.76)
    top, bottom, steel = 0.5 - h / 2, 0.5 + h / 2, np.array([0.74, 0.75, 0.77])
    c.fill(_tube(0.5, w * 0.94, w * 0.94, top, bottom + 0.02, 0.05), steel, "tube")
    c.fill(_tube(0.5, w, w, top + 0.03, bottom, 0.05), colour, "tube")
    if rng.random() < 0.6:
        c.fill(ellipse(0.5, 0.53, w * 0.55, 0.10), _contrast(colour))
    c.fill(ellipse(0.5, top + 0.01, w * 0.94, 0.05), steel * 1.08)
    c.fill(ellipse(0.5, top + 0.014, w * 0.82, 0.04), steel * 0.8)
    c.fill(ellipse(0.5, top + 0.02, w * 0.22, 0.016), steel * 0.5)


def _brick(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    h, d, rough = rng.uniform(0.2, 0.27), rng.uniform(0.1, 0.15), speckles(rng, 0.10)
    c.fill(polygon([(0.04, 0.44), (0.82, 0.44), (0.82, 0.44 + h), (0.04, 0.44 + h)]), colour, "flat", rough)
    c.fill(polygon([(0.04, 0.44), (0.04 + d, 0.44 - d * 0.8), (0.82 + d, 0.44 - d * 0.8), (0.82, 0.44)]), np.clip(colour * 1.15 + 0.03, 0, 1), "flat", rough)
    c.fill(polygon([(0.82, 0.44), (0.82 + d, 0.44 - d * 0.8), (0.82 + d, 0.44 - d * 0.8 + h), (0.82, 0.44 + h)]), colour * 0.65, "flat", rough)
    if rng.random() < 0.6:
        for x in (0.27, 0.45, 0.63):
            c.fill(ellipse(x + d / 2, 0.44 - d * 0.4, 0.055, 0.025), colour * 0.4)


def _plant(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(7, 12))):
        a, length = rng.uniform(-1.1, 1.1), rng.uniform(0.30, 0.5)
        tip = (0.5 + np.sin(a) * length, 0.62 - np.cos(a) * length)
        middle, turn = ((0.5 + tip[0]) / 2, (0.62 + tip[1]) / 2), np.rad2deg(a) - 90
        c.fill(ellipse(middle[0], middle[1], length * 0.52, rng.uniform(0.045, 0.075), turn), _GREEN * rng.uniform(0.7, 1.25))
    _pot(c, colour, 0.60)


def _empty_pot(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    _pot(c, colour, rng.uniform(0.25, 0.35), 0.34)


def _pot(c: Canvas, colour: np.ndarray, top: float, width: float = 0.22) -> None:
    c.fill(_tube(0.5, width, width * 0.68, top + 0.05, 0.93, 0.04), colour, "tube")
    c.fill(ellipse(0.5, top, width * 1.13, 0.05), colour * 0.5)
    rim = _tube(0.5, width * 1.13, width * 1.10, top, top + 0.10, 0.04) * (1 - ellipse(0.5, top, width * 1.0, 0.036))
    c.fill(rim, np.clip(colour * 1.05, 0, 1), "tube")


def _vase(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    belly, neck, foot, high = rng.uniform(0.2, 0.28), rng.uniform(0.07, 0.12), rng.uniform(0.10, 0.15), rng.uniform(0.5, 0.68)
    ys = np.linspace(0.06, 0.95, 36)
    half = np.interp(ys, [0.06, 0.13, 0.25, high, 0.88, 0.95], [neck * 1.35, neck, neck * 1.15, belly, foot, foot * 1.08])
    half = np.convolve(np.pad(half, 3, "edge"), np.ones(7) / 7, "valid")
    outline = [(0.5 - w, y) for w, y in zip(half, ys, strict=True)] + [(0.5 + w, y) for w, y in zip(half[::-1], ys[::-1], strict=True)]
    c.fill(polygon(outline), colour, "tube", _pattern(rng))
    c.fill(ellipse(0.5, 0.065, half[0], 0.028), colour * 0.45)


def _candle(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    w, top = rng.uniform(0.10, 0.16), rng.uniform(0.3, 0.42)
    c.fill(_tube(0.5, w, w, top, 0.93, 0.04), colour, "tube")
    c.fill(ellipse(0.5, top, w, 0.035), np.clip(colour * 1.15 + 0.06, 0, 1))
    c.fill(stroke([(0.5, top), (0.5, top - 0.07)], 0.018), _DARK)
    c.fill(_drop(0.5, top - 0.13, 0.05, 0.11), np.array([1.0, 0.65, 0.12]))
    c.fill(_drop(0.5, top - 0.105, 0.027, 0.065), np.array([1.0, 0.93, 0.55]))


def _balloon(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    sway = rng.uniform(-0.06, 0.06)
    c.fill(stroke([(0.5, 0.7), (0.5 + sway, 0.82), (0.5 - sway, 0.97)], 0.012), np.array([0.55, 0.55, 0.55]))
    c.fill(polygon([(0.5, 0.66), (0.465, 0.74), (0.535, 0.74)]), colour * 0.8)
    c.fill(ellipse(0.5, 0.37, 0.29, 0.33), colour, "round")


def _umbrella(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    c.fill(stroke([(0.5, 0.08), (0.5, 0.84), (0.52, 0.90), (0.57, 0.91), (0.60, 0.86)], 0.028), np.array([0.35, 0.25, 0.18]))
    dome = ellipse(0.5, 0.52, 0.46, 0.42)
    for x in (0.155, 0.385, 0.615, 0.845):
        dome = dome * (1 - ellipse(x, 0.555, 0.125, 0.075))
    upper = polygon([(0, 0), (1, 0), (1, 0.545), (0, 0.545)])
    c.fill(dome * upper, colour, "flat")
    c.fill(dome * upper * ellipse(0.5, 0.52, 0.17, 0.44), np.clip(colour * 1.14 + 0.03, 0, 1))


def _lamp(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    base = np.array([0.55, 0.5, 0.42]) * rng.uniform(0.5, 1.2)
    c.fill(stroke([(0.5, 0.4), (0.5, 0.9)], 0.035), base)
    c.fill(ellipse(0.5, 0.91, 0.17, 0.045), base * 0.9)
    top = rng.uniform(0.12, 0.2)
    c.fill(polygon([(0.5 - top, 0.08), (0.5 + top, 0.08), (0.83, 0.50), (0.17, 0.50)]), colour, "tube")
    c.fill(ellipse(0.5, 0.50, 0.33, 0.035), colour * 0.75)


def _cushion(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    t = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    wave = [(0.5 + 0.44 * np.sign(np.cos(a)) * abs(np.cos(a)) ** 0.42, 0.5 + 0.40 * np.sign(np.sin(a)) * abs(np.sin(a)) ** 0.42) for a in t]
    c.fill(polygon(wave), colour, "round", _pattern(rng))


def _hat(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    high = rng.uniform(0.2, 0.4)
    c.fill(ellipse(0.5, 0.72, 0.46, 0.13), colour * 0.85)
    c.fill(_tube(0.5, 0.22, 0.26, 0.68 - high, 0.70, 0.06), colour, "tube")
    c.fill(ellipse(0.5, 0.68 - high, 0.22, 0.06), np.clip(colour * 1.1 + 0.03, 0, 1))
    c.fill(_tube(0.5, 0.25, 0.262, 0.61, 0.70, 0.06), _contrast(colour), "tube")


def _chair(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    for x, y, end in ((0.28, 0.55, 0.86), (0.72, 0.55, 0.86), (0.22, 0.62, 0.96), (0.78, 0.62, 0.96)):
        c.fill(stroke([(x, y), (x, end)], 0.05), colour * 0.75)
    c.fill(stroke([(0.28, 0.06), (0.28, 0.55)], 0.05), colour * 0.9)
    c.fill(stroke([(0.72, 0.06), (0.72, 0.55)], 0.05), colour * 0.9)
    for y in (0.10, 0.24, 0.38):
        c.fill(rounded(0.27, y, 0.73, y + 0.075, 0.02), colour)
    c.fill(polygon([(0.27, 0.52), (0.73, 0.52), (0.83, 0.64), (0.17, 0.64)]), np.clip(colour * 1.12 + 0.03, 0, 1))
    c.fill(polygon([(0.17, 0.64), (0.83, 0.64), (0.83, 0.69), (0.17, 0.69)]), colour * 0.7)


def _tube(cx: float, top_half: float, bottom_half: float, top: float, bottom: float, bulge: float) -> np.ndarray:
    """Coverage of an upright cylinder or cone seen slightly from above: straight sides, curved foot."""
    foot = [(cx + bottom_half * np.cos(a), bottom - bulge + bulge * np.sin(a)) for a in np.linspace(0, np.pi, 24)]
    head = [(cx + top_half * np.cos(a), top + bulge * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 24)]
    return polygon(foot + head)


def _drop(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return polygon([(cx + rx * np.sin(a) * np.cos(a / 2 - np.pi / 2) ** 2 * 1.5, cy - ry * np.cos(a)) for a in angle])


def _pattern(rng: np.random.Generator) -> np.ndarray | None:
    style = rng.integers(6)
    if style == 0:
        return stripes(rng, int(rng.integers(5, 12)), False, 0.16)
    if style == 1:
        return stripes(rng, int(rng.integers(5, 14)), True, 0.16)
    return speckles(rng, 0.03) if style < 4 else None


def _contrast(colour: np.ndarray) -> np.ndarray:
    """A tone of the same colour, or near black or white, that stands out on it without giving the thing a second colour."""
    return np.clip(colour * 0.55, 0, 1) if colour.mean() > 0.45 else np.clip(colour * 1.5 + 0.18, 0, 1)


_Drawing = Callable[[Canvas, np.ndarray, np.random.Generator], None]
_ANY = COLOURS
#: kind -> (drawing, names, colours it may have, whether it may lie at any angle).
_KINDS: dict[str, tuple[_Drawing, tuple[str, ...], tuple[str, ...], bool]] = {
    "ball": (_ball, ("ball",), _ANY, True),
    "balloon": (_balloon, ("balloon",), _ANY, False),
    "book": (_book, ("book",), _ANY, True),
    "bottle": (_bottle, ("bottle",), _ANY, False),
    "bowl": (_bowl, ("bowl",), _ANY, False),
    "box": (_box, ("box",), _ANY, False),
    "brick": (_brick, ("brick",), ("red", "brown", "grey", "orange", "yellow", "blue", "green"), False),
    "can": (_can, ("can", "tin"), _ANY, False),
    "candle": (_candle, ("candle",), _ANY, False),
    "chair": (_chair, ("chair",), _ANY, False),
    "cube": (_cube, ("cube", "block"), _ANY, False),
    "cup": (_glass_cup, ("cup", "beaker"), _ANY, False),
    "cushion": (_cushion, ("cushion", "pillow"), _ANY, True),
    "hat": (_hat, ("hat",), _ANY, False),
    "key": (_key, ("key",), ("yellow", "grey", "orange", "red", "blue", "green", "black"), True),
    "lamp": (_lamp, ("lamp", "table lamp"), _ANY, False),
    "mug": (_mug, ("mug", "cup", "coffee mug"), _ANY, False),
    "pencil": (_pencil, ("pencil",), _ANY, True),
    "plant": (_plant, ("plant", "potted plant"), (), False),
    "plant pot": (_empty_pot, ("plant pot", "flower pot", "pot"), _ANY, False),
    "plate": (_plate, ("plate", "dish"), _ANY, True),
    "ring": (_ring, ("ring",), _ANY, True),
    "star": (_star, ("star",), _ANY, True),
    "umbrella": (_umbrella, ("umbrella",), _ANY, False),
    "vase": (_vase, ("vase",), _ANY, False),
}


class ProceduralSprites:
    """Sprites drawn by this module: everyday things in the eleven basic colours."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds there are, sorted."""
        return tuple(_KINDS)

    def sprite(self, kind: str, rng: np.random.Generator, colour: str | None = None) -> Sprite:
        """A fresh drawing of a kind, in ``colour`` where that kind can have it, else in one of its own."""
        draw, names, colours, tilts = _KINDS[kind]
        allowed = colours or COLOURS
        word = colour if colour in allowed else allowed[int(rng.integers(len(allowed)))]
        canvas = Canvas(light=float(rng.choice([-0.7, 0.7])))
        draw(canvas, paint(word, rng).astype(np.float64), rng)
        return Sprite(canvas.picture(), names, kind, word if colours else None, tilts)

#: kind -> names, for those who need to know what may be drawn.
KIND_NAMES: dict[str, tuple[str, ...]] = {kind: entry[1] for kind, entry in _KINDS.items()}
