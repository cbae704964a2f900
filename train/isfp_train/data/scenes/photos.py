"""Whole photos with all their annotated objects as scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from isfp_train.data.scene import Scene, SceneObject, measure, scene_rng
from isfp_train.data.scenes.backdrops import VisibleObject
from isfp_train.data.sprites.coco import Coco, photo_colour
from isfp_train.data.sprites.names import COCO_NAMES

#: Objects that cover a smaller share of the frame are counted, but never named.
TINY = 0.003
#: Objects of which a smaller share is inside the crop are counted, but never named.
LEAST_KEPT = 0.5


class PhotoScenes:
    """Random crops of COCO photos, whose longer side has `size` pixels. Every annotated instance is an object.

    Args:
        coco: the photos.
        size: longer side of a scene in pixels.
        photo_ids: ids of the photos to use; by default those of `coco.split("train")`.
        augment: False uses whole photos, without cropping, mirroring or changes of colour.

    Raises:
        ValueError: no photo has a large enough object.
    """

    source = "photo"

    def __init__(self, coco: Coco, size: int = 320, photo_ids: Sequence[int] | None = None, augment: bool = True) -> None:
        self.size = size
        self.augment = augment
        self._coco = coco
        wanted = coco.split("train") if photo_ids is None else photo_ids
        self.photo_ids = [i for i in wanted if _has_nameable(coco, i)]
        if not self.photo_ids:
            raise ValueError(
                f"None of {len(wanted)} photos has an instance that covers at least {TINY:.1%} of it; expected COCO photos."
            )
        self._view = PhotoView(coco)

    def scene(self, seed: int) -> Scene:
        """The scene of this seed."""
        rng = scene_rng(self.source, seed)
        image_id = self.photo_ids[int(rng.integers(len(self.photo_ids)))]
        photo = self._coco.photo(image_id)
        for attempt in range(6):
            crop = random_crop(photo.shape[0], photo.shape[1], rng) if self.augment and attempt < 5 else None
            objects, frame = self._objects(image_id, crop, self.augment and rng.random() < 0.5)
            if any(obj.nameable for obj in objects) or crop is None:
                break
        return Scene(developed(frame, rng) if self.augment else frame, tuple(objects), self.source)

    def _objects(
        self, image_id: int, crop: tuple[int, int, int, int] | None, flipped: bool
    ) -> tuple[list[SceneObject], np.ndarray]:
        frame, shown = self._view.look(image_id, crop, self.size, flipped)
        return [measure(s.mask, s.names, s.kind, s.colour, s.nameable) for s in shown], frame


class PhotoView:
    """Crops of COCO photos, with all annotated objects.

    Args:
        coco: the photos.
        names: names of the objects of each category, most common first; a category without names has its own name.
    """

    def __init__(self, coco: Coco, names: Mapping[str, tuple[str, ...]] = COCO_NAMES) -> None:
        self._coco, self._names = coco, names
        self._masks: dict[int, list[np.ndarray]] = {}

    def look(
        self, image_id: int, crop: tuple[int, int, int, int] | None, size: int, flipped: bool
    ) -> tuple[np.ndarray, list[VisibleObject]]:
        """Crop a photo (top, left, bottom, right in its pixels; None: all of it), and resize the longer side to `size`.

        Returns:
            uint8 `[h,w,3]` RGB, and the objects with masks bool `[h,w]`.
        """
        photo = self._coco.photo(image_id)
        top, left, bottom, right = crop or (0, 0, photo.shape[0], photo.shape[1])
        scale = size / max(bottom - top, right - left)
        width, height = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))

        def fit(plane: np.ndarray) -> np.ndarray:
            part = plane[top:bottom, left:right]
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            resized = cv2.resize(part, (width, height), interpolation=how)
            return np.ascontiguousarray(resized[:, ::-1]) if flipped else resized

        frame = fit(photo)
        annotations = self._coco.annotations[image_id]
        crowded = {a["category_id"] for a in annotations if a.get("iscrowd")}
        shown = []
        for annotation, mask in zip(annotations, self._photo_masks(image_id), strict=True):
            inside = fit(mask) > 127
            if not inside.any():
                continue
            kind = self._coco.categories[annotation["category_id"]]
            kept = int(np.count_nonzero(mask[top:bottom, left:right])) / max(1, int(np.count_nonzero(mask)))
            big_enough = inside.sum() >= TINY * height * width
            nameable = bool(kept >= LEAST_KEPT and big_enough and annotation["category_id"] not in crowded)
            colour = photo_colour(kind, frame, inside) if nameable else None
            shown.append(VisibleObject(inside, self._names.get(kind, (kind,)), kind, colour, nameable, annotation["id"], kept))
        return frame, shown

    def _photo_masks(self, image_id: int) -> list[np.ndarray]:
        """Masks uint8 `[H,W]`, 0 or 255, one per annotation."""
        if image_id not in self._masks:
            if len(self._masks) >= 64:
                self._masks.pop(next(iter(self._masks)))
            self._masks[image_id] = [self._coco.mask(a).astype(np.uint8) * 255 for a in self._coco.annotations[image_id]]
        return self._masks[image_id]


class AnnotatedBackdrops:
    """Crops of COCO photos with few objects, all annotated, so that pasted objects only compete with known ones.

    Args:
        coco: the photos.
        photo_ids: ids of the photos to use.
    """

    def __init__(self, coco: Coco, photo_ids: Sequence[int]) -> None:
        self._coco = coco
        self._ids = list(photo_ids)
        self._view = PhotoView(coco)

    def backdrop(self, height: int, width: int, rng: np.random.Generator) -> tuple[np.ndarray, list[VisibleObject]]:
        """A random backdrop uint8 `[height,width,3]` RGB without crowds, and its objects."""
        best: tuple[float, int, tuple[int, int, int, int]] | None = None
        for _ in range(8):
            image_id = self._ids[int(rng.integers(len(self._ids)))]
            image = self._coco.images[image_id]
            h = int(min(rng.uniform(0.4, 1.0) * image["height"], image["width"] * height / width))
            w = max(8, min(image["width"], round(h * width / height)))
            top, left = int(rng.integers(image["height"] - h + 1)), int(rng.integers(image["width"] - w + 1))
            busy = _busy(self._coco.annotations[image_id], top, left, h, w)
            if best is None or busy < best[0]:
                best = (busy, image_id, (top, left, top + h, left + w))
            if busy < 0.25:
                break
        assert best is not None
        frame, shown = self._view.look(best[1], best[2], max(height, width), bool(rng.random() < 0.5))
        if frame.shape[:2] == (height, width):
            return frame, shown
        resized = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
        masks = [cv2.resize(s.mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0 for s in shown]
        return resized, [replace(s, mask=mask) for s, mask in zip(shown, masks, strict=True) if mask.any()]


def _busy(annotations: list[dict], top: int, left: int, height: int, width: int) -> float:
    """The share of a crop that is covered by boxes of annotated objects; crowds count more than anything else."""
    total = 0.0
    for annotation in annotations:
        x, y, w, h = annotation["bbox"]
        shared = max(0.0, min(x + w, left + width) - max(x, left)) * max(0.0, min(y + h, top + height) - max(y, top))
        total += shared / (height * width) + (0.03 if shared else 0.0) + (10.0 if shared and annotation.get("iscrowd") else 0.0)
    return total


def _has_nameable(coco: Coco, image_id: int) -> bool:
    """Whether the photo has an object that can be named."""
    annotations, image = coco.annotations[image_id], coco.images[image_id]
    crowded = {a["category_id"] for a in annotations if a.get("iscrowd")}
    least = TINY * image["height"] * image["width"]
    return any(a["area"] > 1.2 * least and a["category_id"] not in crowded for a in annotations)


def random_crop(height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right of a random crop; None for the whole photo."""
    if rng.random() < 0.3:
        return None
    h = int(height * rng.uniform(0.55, 1.0))
    w = int(min(width, h * rng.choice([3 / 4, 1.0, 4 / 3, 16 / 9])))
    h = int(min(h, w / (3 / 4)))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return top, left, top + h, left + w


def developed(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply small random changes of light, contrast and colour: uint8 to uint8."""
    cast = rng.normal(1.0, 0.03, 3) * rng.uniform(0.85, 1.15)
    contrast = rng.uniform(0.85, 1.15)
    return np.clip((frame.astype(np.float32) - 118) * (contrast * cast) + 118 * cast, 0, 255).astype(np.uint8)
