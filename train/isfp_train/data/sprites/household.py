"""Drawings of household objects and toys."""

from __future__ import annotations

import numpy as np

from isfp_train.data.sprites.canvas import Canvas, ellipse, polygon, rounded, speckles, stripes, stroke
from isfp_train.data.sprites.shapes import contrast, drop, pattern, tube

_DARK = np.array([0.10, 0.09, 0.09])
_LIGHT = np.array([0.93, 0.92, 0.89])


def ball(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A ball."""
    disc = ellipse(0.5, 0.5, 0.44, 0.44)
    c.fill(disc, colour, "round", speckles(rng, 0.03))
    style = rng.integers(4)
    line = contrast(colour)
    if style == 0:
        turn = rng.uniform(0, 180)
        c.fill(disc * ellipse(0.5, 0.5, 0.44, 0.13, turn) * (1 - ellipse(0.5, 0.5, 0.42, 0.08, turn)), line)
    elif style == 1:
        turn = rng.uniform(0, 180)
        for k in range(3):
            ring = ellipse(0.5, 0.5, 0.44, 0.20, turn + 60 * k) * (1 - ellipse(0.5, 0.5, 0.43, 0.185, turn + 60 * k))
            c.fill(disc * ring, line)


def box(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A box, often with a ribbon."""
    w, h, d = rng.uniform(0.24, 0.36), rng.uniform(0.24, 0.44), rng.uniform(0.10, 0.2)
    x, y, lean = 0.42, 0.40, 0.72 * d
    front = [(x - w, y), (x + w * 0.6, y), (x + w * 0.6, y + h), (x - w, y + h)]
    c.fill(polygon(front), colour, "flat", pattern(rng))
    roof = [front[0], (x - w + d, y - lean), (x + w * 0.6 + d, y - lean), front[1]]
    c.fill(polygon(roof), np.clip(colour * 1.18 + 0.05, 0, 1))
    side = [front[1], roof[2], (roof[2][0], roof[2][1] + h), front[2]]
    c.fill(polygon(side), colour * 0.68)
    if rng.random() < 0.5:
        middle = x - w * 0.2
        c.fill(
            polygon([(middle - 0.03, y), (middle + 0.03, y), (middle + 0.03, y + h), (middle - 0.03, y + h)]),
            contrast(colour),
        )
        c.fill(
            polygon([(middle - 0.03, y), (middle + 0.03, y), (middle + 0.03 + d, y - lean), (middle - 0.03 + d, y - lean)]),
            contrast(colour),
        )


def cube(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A cube on its corner."""
    s, drop = 0.38, rng.uniform(0.16, 0.22)
    top = [(0.5, 0.5 - 2 * drop), (0.5 + s, 0.5 - drop), (0.5, 0.5), (0.5 - s, 0.5 - drop)]
    high = s * 1.05
    c.fill(
        polygon([top[3], top[2], (0.5, 0.5 + high), (0.5 - s, 0.5 - drop + high)]),
        colour * (1.0 if c.light < 0 else 0.72),
    )
    c.fill(
        polygon([top[2], top[1], (0.5 + s, 0.5 - drop + high), (0.5, 0.5 + high)]),
        colour * (0.72 if c.light < 0 else 1.0),
    )
    c.fill(polygon(top), np.clip(colour * 1.2 + 0.06, 0, 1))


def book(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A closed book."""
    w, thick = rng.uniform(0.24, 0.32), rng.uniform(0.035, 0.075)
    x0, x1, y0, y1 = 0.5 - w, 0.5 + w, 0.08, 0.86
    c.fill(polygon([(x0 + 0.01, y1), (x1, y1), (x1 + thick, y1 + thick), (x0 + thick, y1 + thick)]), _LIGHT * 0.85)
    c.fill(
        polygon([(x1, y0), (x1 + thick, y0 + thick), (x1 + thick, y1 + thick), (x1, y1)]),
        _LIGHT * 0.95,
        "flat",
        stripes(rng, 60, True, 0.15),
    )
    c.fill(rounded(x0, y0, x1, y1, 0.02), colour, "flat", speckles(rng, 0.03))
    c.fill(polygon([(x0, y0), (x0 + 0.06, y0), (x0 + 0.06, y1), (x0, y1)]), colour * 0.72)
    ink = contrast(colour)
    c.fill(rounded(x0 + 0.12, y0 + 0.12, x1 - 0.07, y0 + 0.17, 0.01), ink)
    if rng.random() < 0.7:
        c.fill(rounded(x0 + 0.16, y0 + 0.22, x1 - 0.11, y0 + 0.25, 0.01), ink)
    if rng.random() < 0.4:
        c.fill(ellipse((x0 + x1) / 2 + 0.03, 0.58, 0.09, 0.09), ink * 0.9)


def pencil(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A pencil."""
    h = rng.uniform(0.035, 0.055)
    c.fill(rounded(0.04, 0.5 - h, 0.13, 0.5 + h, 0.02), np.array([0.92, 0.55, 0.58]))
    c.fill(rounded(0.11, 0.5 - h, 0.17, 0.5 + h, 0.002), np.array([0.72, 0.72, 0.70]))
    for k, f in enumerate((1.12, 0.95, 0.72)):
        y = 0.5 - h + 2 * h * k / 3
        c.fill(
            polygon([(0.16, y), (0.8, y), (0.8, y + 2 * h / 3), (0.16, y + 2 * h / 3)]),
            np.clip(colour * f + 0.02, 0, 1),
        )
    c.fill(polygon([(0.8, 0.5 - h), (0.96, 0.5), (0.8, 0.5 + h)]), np.array([0.90, 0.75, 0.55]))
    c.fill(polygon([(0.91, 0.5 - h * 0.32), (0.965, 0.5), (0.91, 0.5 + h * 0.32)]), colour * 0.6)


def key(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A key."""
    radius = rng.uniform(0.13, 0.17)
    bow = ellipse(0.22, 0.5, radius + 0.03, radius) * (1 - ellipse(0.19, 0.5, radius * 0.5, radius * 0.5))
    c.fill(stroke([(0.36, 0.5), (0.93, 0.5)], 0.065), colour, "flat")
    for x in (0.72, 0.82, 0.91):
        length = rng.uniform(0.08, 0.14)
        c.fill(rounded(x - 0.025, 0.5, x + 0.025, 0.5 + length, 0.008), colour * 0.88)
    c.fill(bow, colour, "flat")


def star(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A star."""
    inner, turn = rng.uniform(0.18, 0.23), rng.uniform(-0.2, 0.2)
    corners = []
    for k in range(10):
        r, a = (0.46 if k % 2 == 0 else inner), -np.pi / 2 + k * np.pi / 5 + turn
        corners.append((0.5 + r * np.cos(a), 0.52 + r * np.sin(a)))
    c.fill(polygon(corners), colour, "flat")
    for k in range(0, 10, 2):
        c.fill(polygon([(0.5, 0.52), corners[k], corners[(k + 1) % 10]]), np.clip(colour * 0.86, 0, 1))


def ring(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A ring."""
    flat, hole = rng.uniform(0.7, 1.0), rng.uniform(0.24, 0.32)
    band = ellipse(0.5, 0.5, 0.45, 0.45 * flat) * (1 - ellipse(0.5, 0.5, hole, hole * flat))
    c.fill(band, colour, "round")


def brick(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A brick."""
    h, d, rough = rng.uniform(0.2, 0.27), rng.uniform(0.1, 0.15), speckles(rng, 0.10)
    c.fill(polygon([(0.04, 0.44), (0.82, 0.44), (0.82, 0.44 + h), (0.04, 0.44 + h)]), colour, "flat", rough)
    c.fill(
        polygon([(0.04, 0.44), (0.04 + d, 0.44 - d * 0.8), (0.82 + d, 0.44 - d * 0.8), (0.82, 0.44)]),
        np.clip(colour * 1.15 + 0.03, 0, 1),
        "flat",
        rough,
    )
    c.fill(
        polygon([(0.82, 0.44), (0.82 + d, 0.44 - d * 0.8), (0.82 + d, 0.44 - d * 0.8 + h), (0.82, 0.44 + h)]),
        colour * 0.65,
        "flat",
        rough,
    )
    if rng.random() < 0.6:
        for x in (0.27, 0.45, 0.63):
            c.fill(ellipse(x + d / 2, 0.44 - d * 0.4, 0.055, 0.025), colour * 0.4)


def candle(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A burning candle."""
    w, top = rng.uniform(0.10, 0.16), rng.uniform(0.3, 0.42)
    c.fill(tube(0.5, w, w, top, 0.93, 0.04), colour, "tube")
    c.fill(ellipse(0.5, top, w, 0.035), np.clip(colour * 1.15 + 0.06, 0, 1))
    c.fill(stroke([(0.5, top), (0.5, top - 0.07)], 0.018), _DARK)
    c.fill(drop(0.5, top - 0.13, 0.05, 0.11), np.array([1.0, 0.65, 0.12]))
    c.fill(drop(0.5, top - 0.105, 0.027, 0.065), np.array([1.0, 0.93, 0.55]))


def balloon(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A balloon."""
    sway = rng.uniform(-0.06, 0.06)
    c.fill(stroke([(0.5, 0.7), (0.5 + sway, 0.82), (0.5 - sway, 0.97)], 0.012), np.array([0.55, 0.55, 0.55]))
    c.fill(polygon([(0.5, 0.66), (0.465, 0.74), (0.535, 0.74)]), colour * 0.8)
    c.fill(ellipse(0.5, 0.37, 0.29, 0.33), colour, "round")


def umbrella(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """An open umbrella."""
    c.fill(
        stroke([(0.5, 0.08), (0.5, 0.84), (0.52, 0.90), (0.57, 0.91), (0.60, 0.86)], 0.028),
        np.array([0.35, 0.25, 0.18]),
    )
    dome = ellipse(0.5, 0.52, 0.46, 0.42)
    for x in (0.155, 0.385, 0.615, 0.845):
        dome = dome * (1 - ellipse(x, 0.555, 0.125, 0.075))
    upper = polygon([(0, 0), (1, 0), (1, 0.545), (0, 0.545)])
    c.fill(dome * upper, colour, "flat")
    c.fill(dome * upper * ellipse(0.5, 0.52, 0.17, 0.44), np.clip(colour * 1.14 + 0.03, 0, 1))


def lamp(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A table lamp."""
    base = np.array([0.55, 0.5, 0.42]) * rng.uniform(0.5, 1.2)
    c.fill(stroke([(0.5, 0.4), (0.5, 0.9)], 0.035), base)
    c.fill(ellipse(0.5, 0.91, 0.17, 0.045), base * 0.9)
    top = rng.uniform(0.12, 0.2)
    c.fill(polygon([(0.5 - top, 0.08), (0.5 + top, 0.08), (0.83, 0.50), (0.17, 0.50)]), colour, "tube")
    c.fill(ellipse(0.5, 0.50, 0.33, 0.035), colour * 0.75)


def cushion(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A cushion."""
    t = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    wave = [
        (
            0.5 + 0.44 * np.sign(np.cos(a)) * abs(np.cos(a)) ** 0.42,
            0.5 + 0.40 * np.sign(np.sin(a)) * abs(np.sin(a)) ** 0.42,
        )
        for a in t
    ]
    c.fill(polygon(wave), colour, "round", pattern(rng))


def hat(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A hat."""
    high = rng.uniform(0.2, 0.4)
    c.fill(ellipse(0.5, 0.72, 0.46, 0.13), colour * 0.85)
    c.fill(tube(0.5, 0.22, 0.26, 0.68 - high, 0.70, 0.06), colour, "tube")
    c.fill(ellipse(0.5, 0.68 - high, 0.22, 0.06), np.clip(colour * 1.1 + 0.03, 0, 1))
    c.fill(tube(0.5, 0.25, 0.262, 0.61, 0.70, 0.06), contrast(colour), "tube")


def chair(c: Canvas, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A chair."""
    for x, y, end in ((0.28, 0.55, 0.86), (0.72, 0.55, 0.86), (0.22, 0.62, 0.96), (0.78, 0.62, 0.96)):
        c.fill(stroke([(x, y), (x, end)], 0.05), colour * 0.75)
    c.fill(stroke([(0.28, 0.06), (0.28, 0.55)], 0.05), colour * 0.9)
    c.fill(stroke([(0.72, 0.06), (0.72, 0.55)], 0.05), colour * 0.9)
    for y in (0.10, 0.24, 0.38):
        c.fill(rounded(0.27, y, 0.73, y + 0.075, 0.02), colour)
    c.fill(polygon([(0.27, 0.52), (0.73, 0.52), (0.83, 0.64), (0.17, 0.64)]), np.clip(colour * 1.12 + 0.03, 0, 1))
    c.fill(polygon([(0.17, 0.64), (0.83, 0.64), (0.83, 0.69), (0.17, 0.69)]), colour * 0.7)
