"""COCO's instances: photos with masks of all annotated objects, and cut-outs of single objects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from isfp import FrameError, pictures
from isfp_train.data.scene import held_out, in_split
from isfp_train.data.sprites.coco_file import decode, read_instances
from isfp_train.data.sprites.colours import colour_of_pixels
from isfp_train.data.sprites.names import COCO_NAMES
from isfp_train.data.sprites.sprites import Sprite
from isfp_train.errors import DataFormatError, DataMissingError

#: Of 366 photos, about this many are held out from training, by the hash of the file's name.
HELD_OUT_PHOTOS = 50
HELD_OUT_CUTOUTS = 0.10
#: Share of an object's pixels that must have the same colour word.
COLOUR_SHARE = 0.55
#: Brightness (0 to 255) that a tenth of the pixels must reach for colours to be certain.
DARK = 150
_BROWN = frozenset(("chair", "couch", "bench", "dog", "horse", "cow", "bear", "cat", "teddy bear", "sheep", "bird"))
#: Height in pixels below which the colour of a person's clothes is uncertain.
SMALLEST_PERSON = 50
#: Minimum share of the largest piece in a cut-out.
ONE_PIECE = 0.93
#: Categories that people describe by colour; for all others the colour is unknown.
COLOURFUL = frozenset(
    ("car", "motorcycle", "bus", "train", "truck", "boat", "fire hydrant", "bench", "bird", "cat", "dog", "horse",
     "cow",
     "sheep", "bear", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "sports ball", "kite",
     "skateboard",
     "surfboard", "snowboard", "bottle", "cup", "bowl", "apple", "chair", "couch", "vase", "teddy bear",
     "toothbrush", "book",
     "remote", "cell phone", "keyboard", "mouse", "scissors", "airplane",
     "knife", "bed", "coffee mug", "mug", "balloon", "toaster", "blender", "t-shirt", "glove", "spatula", "usb stick",
     "earphone case", "jacket", "coat", "dress", "shirt", "skirt", "pants", "purse", "hat", "shoes", "boots", "sweater", "scarf",
     "marker", "screwdriver", "clamp", "hammer", "soap", "stapler", "spoon", "fork", "pear", "lemon", "plum", "desk organizer",
     "magazine holder", "spray bottle", "shampoo bottle", "cookie box", "cracker box", "sugar box", "gum jar", "power drill",
     "mustard bottle")
)  # fmt: skip
#: Categories whose masks are mostly fragments or surfaces.
_NEVER_CUT = frozenset(("dining table", "bed", "sink", "oven", "refrigerator", "carrot"))
_TILTING = frozenset(
    ("frisbee", "sports ball", "baseball bat", "baseball glove", "tennis racket", "fork", "knife", "spoon",
     "banana", "apple",
     "orange", "carrot", "donut", "remote", "cell phone", "book", "scissors", "toothbrush", "hot dog", "mouse",
     "handbag")
)  # fmt: skip


class Coco:
    """Reader of photos and their instances in COCO's format (polygons, RLE, crowds).

    Args:
        folder: folder of the photos, or the one that contains `images/`.
        instances: file of the annotations; by default `instances.json` in the folder.

    Raises:
        DataMissingError: the annotations do not exist.
        DataFormatError: the file does not have COCO's instances format.
    """

    def __init__(self, folder: str | Path, instances: str | Path | None = None) -> None:
        path = Path(folder) / "instances.json" if instances is None else Path(instances)
        self.folder = Path(folder) / "images" if (Path(folder) / "images").is_dir() else Path(folder)
        self._file = path
        content = read_instances(path)
        self.images: dict[int, dict] = {image["id"]: image for image in content["images"]}
        self.categories: dict[int, str] = {category["id"]: category["name"] for category in content["categories"]}
        self.annotations: dict[int, list[dict]] = {image_id: [] for image_id in self.images}
        for annotation in content["annotations"]:
            if annotation["image_id"] in self.annotations:
                self.annotations[annotation["image_id"]].append(annotation)

    def split(self, which: str) -> list[int]:
        """Sorted ids of the photos of "train", "held_out" or "all". The split of a photo depends only on its file name.

        Raises:
            ValueError: `which` is not one of the three.
        """
        in_split("", 0.0, which)
        if which == "all":
            return sorted(self.images)
        share = min(1.0, HELD_OUT_PHOTOS / 366)
        hidden = {i for i, image in self.images.items() if held_out(Path(image["file_name"]).name, share)}
        return sorted(hidden if which == "held_out" else set(self.images) - hidden)

    def photo(self, image_id: int) -> np.ndarray:
        """A photo, RGB uint8 `[H,W,3]`."""
        return _photo(self.folder / self.images[image_id]["file_name"])

    def mask(self, annotation: dict) -> np.ndarray:
        """Mask of an annotation, bool `[H,W]`, at the size of the photo.

        Raises:
            DataFormatError: its outline does not fit the photo; the message names file and annotation.
        """
        image = self.images[annotation["image_id"]]
        try:
            return decode(annotation["segmentation"], image["height"], image["width"])
        except DataFormatError as error:
            raise DataFormatError(f"{self._file}, annotation {annotation['id']}: {error}") from error


@lru_cache(maxsize=128)
def _photo(path: Path) -> np.ndarray:
    try:
        return cv2.cvtColor(pictures.read(path), cv2.COLOR_BGR2RGB)
    except FrameError as error:
        raise DataMissingError(f"{error} The annotations list it.") from error


def photo_colour(kind: str, rgb: np.ndarray, mask: np.ndarray) -> str | None:
    """The colour word of an object in a photo, None if it is uncertain. For a standing person it is that of the shirt.

    Grey is always uncertain, because white objects in the shade look grey. Also uncertain are all colours in a dark picture, brown
    if it may be yellow in the shade, and black if the pixels still have a hue.

    Args:
        kind: COCO's category.
        rgb: the photo, uint8 `[h,w,3]`.
        mask: mask of the object, bool `[h,w]`.
    """
    if np.percentile(rgb[::4, ::4].max(axis=2), 90) < DARK:
        return None
    if kind == "person":
        ys, xs = np.nonzero(mask)
        height = int(np.ptp(ys)) + 1 if len(ys) else 0
        if height < 1.5 * (np.ptp(xs) + 1 if len(xs) else 0) or height < SMALLEST_PERSON:
            return None
        first = int(ys.min())
        chest = slice(first + int(0.2 * height), first + int(0.45 * height))
        rgb, mask = rgb[chest], mask[chest]
    elif kind not in COLOURFUL:
        return None
    colour = colour_of_pixels(rgb[mask], COLOUR_SHARE)
    hueless = colour != "black" or float(np.ptp(rgb[mask].astype(int), axis=1).mean()) < 14
    return colour if hueless and colour != "grey" and (colour != "brown" or kind in _BROWN) else None


class CocoCutouts:
    """Single objects cut out of COCO photos: complete, large enough, in one piece, and hardly hidden by others.

    Args:
        coco: the photos.
        split: "train" and "held_out" use only photos of that split; in "train", 10 % of the cut-outs are also left out, by the
            hash of the annotation's id. "all" uses all photos.
        smallest: minimum shorter side of the box, in pixels of the photo.

    Raises:
        ValueError: no instance can be cut out.
    """

    def __init__(self, coco: Coco, split: str = "train", smallest: int = 40) -> None:
        self.coco = coco
        self.photo_ids = coco.split(split)
        self._entries: dict[str, list[dict]] = {}
        for image_id in self.photo_ids:
            group = coco.annotations[image_id]
            for annotation in group:
                if split == "train" and held_out(str(annotation["id"]), HELD_OUT_CUTOUTS):
                    continue
                if self._fits(annotation, group, smallest) and self._whole(annotation, group):
                    self._entries.setdefault(coco.categories[annotation["category_id"]], []).append(annotation)
        if not self._entries:
            raise ValueError(
                f"No instance of split {split!r} in {coco.folder} can be cut out: all are too small, hidden or fragmented."
            )
        self._entries = {kind: self._entries[kind] for kind in sorted(self._entries)}
        self._cache: dict[int, tuple[np.ndarray, str | None]] = {}

    @property
    def kinds(self) -> Sequence[str]:
        """Sorted names of COCO's categories."""
        return tuple(self._entries)

    @property
    def annotation_ids(self) -> set[int]:
        """Ids of the annotations in use."""
        return {annotation["id"] for group in self._entries.values() for annotation in group}

    def sprite(self, kind: str, rng: np.random.Generator, colour: str | None = None) -> Sprite:
        """A random cut-out of a kind. `colour` is ignored, because photos are not recoloured."""
        group = self._entries[kind]
        annotation = group[int(rng.integers(len(group)))]
        if annotation["id"] not in self._cache:
            self._cache[annotation["id"]] = self._cut(annotation)
        rgba, own = self._cache[annotation["id"]]
        return Sprite(rgba, COCO_NAMES[kind], kind, own, kind in _TILTING)

    def _fits(self, annotation: dict, group: list[dict], smallest: int) -> bool:
        kind = self.coco.categories[annotation["category_id"]]
        if annotation.get("iscrowd") or kind not in COCO_NAMES or kind in _NEVER_CUT:
            return False
        image = self.coco.images[annotation["image_id"]]
        x, y, w, h = annotation["bbox"]
        if min(w, h) < smallest or x < 3 or y < 3 or x + w > image["width"] - 3 or y + h > image["height"] - 3:
            return False
        if annotation["area"] < 0.22 * w * h:
            return False
        for other in group:
            if other is annotation:
                continue
            ox, oy, ow, oh = other["bbox"]
            shared = max(0, min(x + w, ox + ow) - max(x, ox)) * max(0, min(y + h, oy + oh) - max(y, oy))
            if shared > 0.25 * w * h and other["area"] < 4 * annotation["area"]:
                return False
        return True

    def _whole(self, annotation: dict, group: list[dict]) -> bool:
        """Whether the object is lit and in one piece, and little of its outline touches objects that may hide it."""
        mask = self.coco.mask(annotation)
        ys, xs = np.nonzero(mask)
        rows, columns = slice(max(ys.min() - 4, 0), ys.max() + 5), slice(max(xs.min() - 4, 0), xs.max() + 5)
        own = mask[rows, columns]
        _, _, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8))
        if stats[1:, cv2.CC_STAT_AREA].max() < ONE_PIECE * own.sum():
            return False
        rim = (cv2.dilate(own.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0) & ~own
        hidden = np.zeros_like(rim)
        x, y, w, h = annotation["bbox"]
        for other in group:
            ox, oy, ow, oh = other["bbox"]
            if other is annotation or ox > x + w + 4 or oy > y + h + 4 or ox + ow < x - 4 or oy + oh < y - 4:
                continue
            if other["area"] < 4 * annotation["area"]:  # what is much bigger mostly lies behind
                hidden |= self.coco.mask(other)[rows, columns]
        if (rim & hidden).sum() > 0.2 * rim.sum():
            return False
        pixels = self.coco.photo(annotation["image_id"])[rows, columns][own]
        return float(pixels.mean()) > 32

    def _cut(self, annotation: dict) -> tuple[np.ndarray, str | None]:
        mask = self.coco.mask(annotation)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        mask = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        ys, xs = np.nonzero(mask)
        top, bottom = max(ys.min() - 2, 0), ys.max() + 3
        left, right = max(xs.min() - 2, 0), xs.max() + 3
        inner = cv2.erode(mask[top:bottom, left:right].astype(np.float32), np.ones((2, 2), np.uint8))
        alpha = np.clip(cv2.GaussianBlur(inner, (0, 0), 0.8) * 255, 0, 255).astype(np.uint8)
        rgba = np.dstack([self.coco.photo(annotation["image_id"])[top:bottom, left:right], alpha])
        kind = self.coco.categories[annotation["category_id"]]
        return rgba, photo_colour(kind, rgba[..., :3], alpha > 200)
