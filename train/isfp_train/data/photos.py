"""Whole photos with all their annotated things as scenes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from isfp_train.data.coco import Coco
from isfp_train.data.names import COCO_NAMES
from isfp_train.data.scene import Scene, Thing, measure, scene_rng

#: A smaller share of the frame than this: counted, never named.
TINY = 0.003
#: A thing that the crop leaves less of itself than this is counted, never named.
LEAST_KEPT = 0.5


class PhotoScenes:
    """Random crops of COCO photos, at most ``size`` pixels on the longer side. Every annotated instance is a thing.

    Args:
        coco: the photos.
        size: longer side of a scene in pixels.
        photo_ids: which photos; those of ``coco.split("train")`` unless told.
        augment: False: the whole photo, neither cropped, mirrored nor changed in colour.

    Raises:
        ValueError: no photo has a thing.
    """

    source = "photo"

    def __init__(self, coco: Coco, size: int = 320, photo_ids: Sequence[int] | None = None, augment: bool = True) -> None:
        self.size = size
        self.augment = augment
        self._coco = coco
        wanted = coco.split("train") if photo_ids is None else photo_ids
        self.photo_ids = [i for i in wanted if coco.annotations[i]]
        if not self.photo_ids:
            raise ValueError(f"None of {len(wanted)} photos has an annotation; expected photos with instances.")
        self._masks: dict[int, list[np.ndarray]] = {}

    def scene(self, seed: int) -> Scene:
        """The scene of this seed."""
        rng = scene_rng(self.source, seed)
        image_id = self.photo_ids[int(rng.integers(len(self.photo_ids)))]
        photo = self._coco.photo(image_id)
        for attempt in range(6):
            crop = _crop(photo.shape[0], photo.shape[1], rng) if self.augment and attempt < 5 else None
            things, frame = self._things(image_id, photo, crop, self.augment and rng.random() < 0.5)
            if any(thing.nameable for thing in things) or crop is None:
                break
        return Scene(_develop(frame, rng) if self.augment else frame, tuple(things), self.source)

    def _things(
        self, image_id: int, photo: np.ndarray, crop: tuple[int, int, int, int] | None, flipped: bool
    ) -> tuple[list[Thing], np.ndarray]:
        top, left, bottom, right = crop or (0, 0, photo.shape[0], photo.shape[1])
        scale = self.size / max(bottom - top, right - left)
        width, height = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))

        def fit(plane: np.ndarray) -> np.ndarray:
            part = plane[top:bottom, left:right]
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            resized = cv2.resize(part, (width, height), interpolation=how)
            return np.ascontiguousarray(resized[:, ::-1]) if flipped else resized

        annotations = self._coco.annotations[image_id]
        crowded = {a["category_id"] for a in annotations if a.get("iscrowd")}
        things = []
        for annotation, mask in zip(annotations, self._photo_masks(image_id), strict=True):
            inside = fit(mask) > 127
            if not inside.any():
                continue
            kind = self._coco.categories[annotation["category_id"]]
            whole = max(1, np.count_nonzero(mask))
            kept = np.count_nonzero(mask[top:bottom, left:right]) / whole
            nameable = (
                kept >= LEAST_KEPT and inside.sum() >= TINY * height * width and annotation["category_id"] not in crowded
            )
            things.append(measure(inside, COCO_NAMES.get(kind, (kind,)), kind, None, nameable))
        return things, fit(photo)

    def _photo_masks(self, image_id: int) -> list[np.ndarray]:
        """uint8 ``[H,W]``, 0 or 255, one an annotation."""
        if image_id not in self._masks:
            if len(self._masks) >= 64:
                self._masks.pop(next(iter(self._masks)))
            self._masks[image_id] = [self._coco.mask(a).astype(np.uint8) * 255 for a in self._coco.annotations[image_id]]
        return self._masks[image_id]


def _crop(height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right of a random crop; None: the whole photo."""
    if rng.random() < 0.3:
        return None
    h = int(height * rng.uniform(0.55, 1.0))
    w = int(min(width, h * rng.choice([3 / 4, 1.0, 4 / 3, 16 / 9])))
    h = int(min(h, w / (3 / 4)))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return top, left, top + h, left + w


def _develop(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light, contrast and colour cast, mild: uint8 to uint8."""
    cast = rng.normal(1.0, 0.03, 3) * rng.uniform(0.85, 1.15)
    contrast = rng.uniform(0.85, 1.15)
    return np.clip((frame.astype(np.float32) - 118) * (contrast * cast) + 118 * cast, 0, 255).astype(np.uint8)
