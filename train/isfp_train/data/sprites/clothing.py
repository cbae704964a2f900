"""Clothed people cut out of street photos, with their garments and the colours of these."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from isfp_train.data.sprites.coco import COLOUR_SHARE, DARK, Coco
from isfp_train.data.sprites.colours import COLOURS, colour_of_pixels, confusable, recolour

#: Minimum height in pixels of a person in a photo, and minimum ratio of height and width.
LEAST_HEIGHT, SLENDER = 200, 1.5
#: Decoded people kept in memory, about 0.3 MB each.
CACHED = 1000
#: Share of a garment's pixels that could have a colour, above which people may call the garment by that colour.
DOUBTFUL_SHARE = 0.12
#: Mean difference of the channels (0 to 255) above which dark cloth has a hue, such as navy.
HUELESS = 14.0
#: Kinds whose brown is that of leather or wool, and not yellow or orange in the shade.
_BROWN = frozenset(("bag", "purse", "shoes", "boots", "coat", "jacket", "loafers", "belt"))
#: Kinds that are dyed; stockings and the like would look odd.
DYED = frozenset(
    ("blazer", "blouse", "cardigan", "coat", "dress", "hoodie", "jacket", "jumper", "pants", "jeans", "leggings", "romper", "shirt",
     "shorts", "skirt", "suit", "sweater", "sweatshirt", "t-shirt", "top", "vest", "bag", "purse", "hat", "scarf")
)  # fmt: skip


@dataclass(frozen=True)
class Garment:
    """A garment as it is seen.

    Attributes:
        kind: category in the annotations, such as "shirt".
        colour: basic colour word; None if it is uncertain or mixed.
        perhaps: all colour words that people may use for it or for a large part of it; no other word fits.
    """

    kind: str
    colour: str | None
    perhaps: frozenset[str]


@dataclass(frozen=True)
class ClothedPerson:
    """A person cut out of a photo.

    Attributes:
        rgba: uint8 `[h,w,4]`, straight alpha with soft edges.
        worn: which garment a pixel shows, uint8 `[h,w]`: place in `garments` plus 1, 0 for skin, hair and others.
        garments: what the person wears and carries.
        lit: whether the photo is bright: a tenth of its pixels reach `DARK`. If not, no colour is certain, dyed or not.
    """

    rgba: np.ndarray
    worn: np.ndarray
    garments: tuple[Garment, ...]
    lit: bool

    def dyed(self, place: int, colour: str, rng: np.random.Generator) -> ClothedPerson:
        """The same person with a garment in another colour; unchanged if the garment is tiny or has no main colour."""
        mask = self.worn == place + 1
        ys, xs = np.nonzero(mask)
        if len(ys) < 30:
            return self
        rows, columns = slice(int(ys.min()), int(ys.max()) + 1), slice(int(xs.min()), int(xs.max()) + 1)
        part = np.dstack([self.rgba[rows, columns, :3], mask[rows, columns].astype(np.uint8) * 255])
        painted = recolour(part, colour, rng)
        if painted is None:
            return self
        rgba = self.rgba.copy()
        rgba[rows, columns, :3] = painted[..., :3]
        garments = list(self.garments)
        garments[place] = garment_of(garments[place].kind, rgba[mask][:, :3], self.lit)
        return replace(self, rgba=rgba, garments=tuple(garments))


def garment_of(kind: str, rgb: np.ndarray, lit: bool = True) -> Garment:
    """The garment of a kind with these pixels, uint8 `[n,3]`. In a dark picture (not `lit`) its colour is uncertain.

    Grey is never certain, because white cloth in the shade looks grey.
    """
    colour = colour_of_pixels(rgb, COLOUR_SHARE) if lit else None
    hue = float(np.ptp(rgb[::5].astype(int), axis=1).mean()) if len(rgb) else 0.0
    if colour == "grey" or (colour == "brown" and kind not in _BROWN) or (colour == "black" and hue > HUELESS):
        colour = None
    perhaps = perhaps_called(rgb) | ({"black"} if not lit else set())
    if colour is not None:
        perhaps |= {word for word in COLOURS if confusable(word, colour)}
    return Garment(kind, colour, perhaps)


def perhaps_called(rgb: np.ndarray) -> frozenset[str]:
    """The colour words that may fit pixels uint8 `[n,3]`, or a large part of them; far wider than `word_of_pixels`."""
    if len(rgb) < 20:
        return frozenset(COLOURS)
    few = rgb[:: max(1, len(rgb) // 1000)]
    hue, saturation, value = cv2.cvtColor(few.reshape(-1, 1, 3).astype(np.float32) / 255.0, cv2.COLOR_RGB2HSV).reshape(-1, 3).T
    wide = {
        "black": value < 0.36,
        "white": (saturation < 0.28) & (value > 0.58),
        "grey": (saturation < 0.28) & (value > 0.12),
        "brown": (saturation > 0.2) & ((hue < 52) | (hue > 340)) & (value < 0.75),
        "pink": (saturation > 0.12) & (value > 0.5) & ((hue > 295) | (hue < 22)),
        "red": (saturation > 0.32) & (value > 0.18) & ((hue < 20) | (hue > 330)),
        "orange": (saturation > 0.35) & (value > 0.4) & (hue > 6) & (hue < 46),
        "yellow": (saturation > 0.22) & (value > 0.42) & (hue > 34) & (hue < 80),
        "green": (saturation > 0.15) & (value > 0.12) & (hue > 58) & (hue < 192),
        "blue": (saturation > 0.15) & (value > 0.12) & (hue > 172) & (hue < 268),
        "purple": (saturation > 0.15) & (value > 0.12) & (hue > 235) & (hue < 335),
    }
    return frozenset(word for word, where in wide.items() if where.mean() > DOUBTFUL_SHARE)


class ClothedPeople:
    """People in photos of one person each, annotated in COCO's format with "person" and garments.

    Args:
        coco: the photos.
        split: "train", "held_out" or "all", as in `Coco.split`.

    Raises:
        ValueError: no photo shows a whole standing person with garments.
    """

    def __init__(self, coco: Coco, split: str = "train") -> None:
        self._coco = coco
        self.kinds: dict[int, frozenset[str]] = {}
        for image_id in coco.split(split):
            group, image = coco.annotations[image_id], coco.images[image_id]
            people = [a for a in group if coco.categories[a["category_id"]] == "person"]
            kinds = frozenset(coco.categories[a["category_id"]] for a in group) - {"person"}
            if len(people) == 1 and len(kinds) >= 2 and _stands_free(people[0]["bbox"], image["height"], image["width"]):
                self.kinds[image_id] = kinds
        if not self.kinds:
            raise ValueError(f"No photo of split {split!r} in {coco.folder} shows a whole standing person with garments.")
        self._cache: dict[int, ClothedPerson] = {}

    def person(self, photo: int) -> ClothedPerson:
        """The person in a photo of `kinds`."""
        if photo not in self._cache:
            if len(self._cache) >= CACHED:
                self._cache.pop(next(iter(self._cache)))
            self._cache[photo] = self._cut(photo)
        return self._cache[photo]

    def _cut(self, photo: int) -> ClothedPerson:
        frame = self._coco.photo(photo)
        worn = np.zeros(frame.shape[:2], np.uint8)
        body = np.zeros(frame.shape[:2], bool)
        kinds = []
        # Smaller garments lie over bigger ones: a belt over a coat.
        for annotation in sorted(self._coco.annotations[photo], key=lambda a: -a["area"]):
            mask = self._coco.mask(annotation)
            body |= mask
            kind = self._coco.categories[annotation["category_id"]]
            if kind != "person":
                kinds.append(kind)
                worn[mask] = len(kinds)
        closed = cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
        body = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        worn[~body] = 0
        ys, xs = np.nonzero(body)
        rows = slice(max(int(ys.min()) - 2, 0), int(ys.max()) + 3)
        columns = slice(max(int(xs.min()) - 2, 0), int(xs.max()) + 3)
        # The outline is drawn in by a pixel, because it often includes a rim of the old background.
        inner = cv2.erode(body[rows, columns].astype(np.float32), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
        alpha = np.clip(cv2.GaussianBlur(inner, (0, 0), 0.9) * 255, 0, 255).astype(np.uint8)
        rgb, worn = frame[rows, columns], np.ascontiguousarray(worn[rows, columns])
        lit = float(np.percentile(frame[::4, ::4].max(axis=2), 90)) >= DARK
        garments = tuple(garment_of(kind, rgb[worn == place], lit) for place, kind in enumerate(kinds, start=1))
        return ClothedPerson(np.dstack([rgb, alpha]), worn, garments, lit)


def _stands_free(box: list[float], height: int, width: int) -> bool:
    x, y, w, h = box
    inside = x >= 2 and y >= 2 and x + w <= width - 2 and y + h <= height - 2
    return bool(inside and h >= LEAST_HEIGHT and h > SLENDER * w)
