"""The eleven basic colour words: painting objects in a colour, and recognising the colour of pictures."""

from __future__ import annotations

import cv2
import numpy as np

#: Ranges of hue (degrees), saturation and value that everybody calls by the word; objects are painted in random ones.
PALETTE: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "red": ((-5, 4), (0.78, 0.95), (0.70, 0.88)),
    "orange": ((22, 30), (0.82, 0.98), (0.92, 1.0)),
    "yellow": ((48, 56), (0.72, 0.95), (0.92, 1.0)),
    "green": ((100, 145), (0.55, 0.90), (0.45, 0.75)),
    "blue": ((208, 228), (0.65, 0.92), (0.60, 0.92)),
    "purple": ((268, 284), (0.50, 0.80), (0.48, 0.72)),
    "pink": ((325, 342), (0.32, 0.55), (0.94, 1.0)),
    "brown": ((18, 26), (0.55, 0.75), (0.34, 0.50)),
    "black": ((0, 360), (0.0, 0.12), (0.10, 0.17)),
    "white": ((0, 360), (0.0, 0.05), (0.93, 0.99)),
    "grey": ((0, 360), (0.0, 0.06), (0.48, 0.60)),
}
COLOURS = tuple(PALETTE)

#: Pairs of colours that people may confuse: one does not prove that the other is absent.
CONFUSABLE = frozenset(
    frozenset(pair)
    for pair in (
        ("grey", "white"),
        ("grey", "black"),
        ("orange", "brown"),
        ("red", "brown"),
        ("purple", "pink"),
        ("purple", "blue"),
        ("red", "pink"),
        ("red", "orange"),
        ("yellow", "orange"),
        ("brown", "black"),
    )
)


def confusable(one: str, other: str) -> bool:
    """Whether people may disagree on which of two colour words fits."""
    return one == other or frozenset((one, other)) in CONFUSABLE


def shade(colour: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """A random colour of the given word: hue in degrees (0 to 360), saturation and value (0 to 1)."""
    hue, saturation, value = (rng.uniform(*bounds) for bounds in PALETTE[colour])
    return float(hue) % 360.0, float(saturation), float(value)


def paint(colour: str, rng: np.random.Generator) -> np.ndarray:
    """A random colour of the given word, float32 `[3]` RGB, 0 to 1."""
    pixel = np.array([[shade(colour, rng)]], dtype=np.float32)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0]


def recolour(rgba: np.ndarray, colour: str, rng: np.random.Generator) -> np.ndarray | None:
    """Change the main colour of a picture to `colour`, and keep its shading.

    Args:
        rgba: uint8 `[h,w,4]`, straight alpha.
        colour: the new basic colour word.
        rng: picks the shade.

    Returns:
        uint8 `[h,w,4]`, or None where no colour covers enough of the picture for the new word to be true of it.
    """
    hsv = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3], dtype=np.float32) / 255.0, cv2.COLOR_RGB2HSV)
    solid = rgba[..., 3] > 127
    part = _main_part(hsv, solid)
    if part is None or part[solid].mean() < 0.55:
        return None
    weight = cv2.GaussianBlur(part.astype(np.float32), (0, 0), 0.7)[..., None]
    hue, saturation, value = shade(colour, rng)
    old = hsv[part]
    lightness = hsv[..., 2] / max(float(np.median(old[:, 2])), 0.05)
    vividness = hsv[..., 1] / max(float(np.median(old[:, 1])), 0.05) if float(np.median(old[:, 1])) > 0.15 else 1.0
    new = np.empty_like(hsv)
    new[..., 0] = hue
    new[..., 1] = np.clip(saturation * np.clip(vividness, 0.75, 1.2), 0, 1)
    new[..., 2] = np.clip(value * np.clip(lightness, 0.35, 1.5), 0, 1)
    mixed = weight * cv2.cvtColor(new, cv2.COLOR_HSV2RGB) + (1 - weight) * (rgba[..., :3].astype(np.float32) / 255.0)
    return np.dstack([np.clip(mixed * 255 + 0.5, 0, 255).astype(np.uint8), rgba[..., 3]])


def _main_part(hsv: np.ndarray, solid: np.ndarray) -> np.ndarray | None:
    """Mask of the most common hue, or of all grey pixels, bool `[h,w]`; None for an empty picture."""
    if not solid.any():
        return None
    vivid = solid & (hsv[..., 1] > 0.25) & (hsv[..., 2] > 0.15)
    if vivid.sum() < 0.4 * solid.sum():
        return solid & ~vivid
    counts = np.bincount((hsv[..., 0][vivid] / 10).astype(int) % 36, minlength=36)
    smooth = counts + np.roll(counts, 1) + np.roll(counts, -1)
    peak = int(np.argmax(smooth))
    reach = []
    for step in (-1, 1):  # a shaded surface runs through neighbouring hues: follow them as far as they go on
        bins = 3
        while bins < 7 and counts[(peak + step * bins) % 36] > 0.02 * vivid.sum():
            bins += 1
        reach.append((bins + 0.3) * 10)
    offset = (hsv[..., 0] - (peak + 0.5) * 10 + 180) % 360 - 180
    return vivid & (offset > -reach[0]) & (offset < reach[1])


def word_of_pixels(rgb: np.ndarray) -> np.ndarray:
    """Index into `COLOURS` of each pixel; -1 if the word is uncertain.

    Args:
        rgb: uint8 `[n,3]`.

    Returns:
        int `[n]`.
    """
    hsv = cv2.cvtColor(rgb.reshape(-1, 1, 3).astype(np.float32) / 255.0, cv2.COLOR_RGB2HSV).reshape(-1, 3)
    hue, saturation, value = hsv.T
    words = np.full(len(hsv), -1)

    def name(colour: str, where: np.ndarray) -> None:
        words[where & (words < 0)] = COLOURS.index(colour)

    name("black", value < 0.20)
    name("white", (saturation < 0.13) & (value > 0.82))
    name("grey", (saturation < 0.14) & (value > 0.28) & (value < 0.74))
    sure = saturation > 0.35
    name("brown", sure & (hue >= 8) & (hue < 42) & (value < 0.60))
    name("pink", (saturation > 0.18) & (saturation < 0.62) & (value > 0.8) & ((hue > 310) | (hue < 5)))
    name("red", (saturation > 0.6) & (value > 0.3) & ((hue < 10) | (hue > 346)))
    name("orange", sure & (saturation > 0.55) & (hue >= 16) & (hue < 38) & (value > 0.7))
    name("yellow", sure & (hue >= 44) & (hue < 66) & (value > 0.6))
    name("green", sure & (hue >= 78) & (hue < 165) & (value > 0.2))
    name("blue", sure & (hue >= 195) & (hue < 245) & (value > 0.25))
    name("purple", sure & (hue >= 260) & (hue < 300) & (value > 0.25))
    return words


def colour_of(rgba: np.ndarray, share: float = 0.6) -> str | None:
    """The basic colour word of a picture uint8 `[h,w,4]`: `colour_of_pixels` of its opaque pixels."""
    return colour_of_pixels(rgba[rgba[..., 3] > 200][:, :3], share)


def colour_of_pixels(rgb: np.ndarray, share: float) -> str | None:
    """The basic colour word of pixels; None if none covers `share` of them, or if a second one is frequent.

    Args:
        rgb: uint8 `[n,3]`.
        share: 0 to 1.
    """
    if len(rgb) < 20:
        return None
    words = word_of_pixels(rgb[:: max(1, len(rgb) // 2000)])
    counts = np.bincount(words[words >= 0], minlength=len(COLOURS))
    best = int(np.argmax(counts))
    second = int(np.sort(counts)[-2])
    if counts[best] < share * len(words) or second > 0.25 * len(words):
        return None
    return COLOURS[best]
