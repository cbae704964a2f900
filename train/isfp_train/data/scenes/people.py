"""Scenes of several clothed people side by side, with phrases that tell them apart by their clothes and places."""

from __future__ import annotations

import cv2
import numpy as np

from isfp_train.data.phrases.clothes import clothes_phrases
from isfp_train.data.phrases.worn import Outfit, VisibleGarment
from isfp_train.data.scene import Expression, Scene, SceneObject, measure, scene_rng
from isfp_train.data.scenes import backdrops as surfaces
from isfp_train.data.scenes.backdrops import PhotoBackdrops
from isfp_train.data.scenes.compose import LEAST_VISIBLE, finish, paste
from isfp_train.data.scenes.layout import SpritePose
from isfp_train.data.sprites.clothing import DYED, ClothedPeople, ClothedPerson
from isfp_train.data.sprites.colours import COLOURS
from isfp_train.data.sprites.photo_names import PHOTO_NAMES
from isfp_train.data.sprites.sprites import Sprite

#: Aspect ratios (width / height) of scenes, each with its frequency.
ASPECTS = ((4 / 3, 0.45), (1.0, 0.2), (16 / 9, 0.2), (3 / 4, 0.15))
#: Numbers of people, each with its frequency.
COUNTS = ((2, 0.3), (3, 0.35), (4, 0.22), (5, 0.13))
#: Garments that several people of a scene often share.
SHARED = (
    "shirt",
    "t-shirt",
    "blouse",
    "coat",
    "jacket",
    "dress",
    "sweater",
    "pants",
    "jeans",
    "skirt",
    "bag",
    "hat",
    "shorts",
    "blazer",
)
#: Minimum and maximum number of phrases of a scene, and the share of those about nobody.
LEAST_PHRASES, MOST_PHRASES, ABSENT = 9, 14, 0.12
#: A person of whom a smaller share of the frame is visible is never a target.
TINY = 0.004


class PeopleScenes:
    """Scenes of two to five people from street photos, pasted on a backdrop, some of their garments in other colours.

    Args:
        people: the people.
        backgrounds: photos to use as backdrops, or None for drawn surfaces.
        size: longer side of a scene in pixels.
    """

    source = "people"

    def __init__(self, people: ClothedPeople, backgrounds: PhotoBackdrops | None = None, size: int = 320) -> None:
        self.size = size
        self._people, self._backgrounds = people, backgrounds
        self._photos = sorted(people.kinds)
        self._with = {kind: [photo for photo in self._photos if kind in people.kinds[photo]] for kind in SHARED}
        self._with = {kind: photos for kind, photos in self._with.items() if len(photos) >= 2}

    def scene(self, seed: int) -> Scene:
        """The scene of this seed."""
        rng = scene_rng(self.source, seed)
        return self.dressed(rng)[0]

    def dressed(self, rng: np.random.Generator) -> tuple[Scene, list[Outfit]]:
        """A random scene, and what each of its people visibly wears."""
        aspect = float(rng.choice([a for a, _ in ASPECTS], p=[p for _, p in ASPECTS]))
        height, width = (self.size, int(self.size * aspect)) if aspect < 1 else (int(self.size / aspect), self.size)
        people = self._cast(rng)
        poses = stand([person.rgba.shape[:2] for person in people], height, width, rng)
        order = np.argsort([pose.scale * person.rgba.shape[0] for pose, person in zip(poses, people, strict=True)], kind="stable")
        people, poses = [people[i] for i in order], [poses[i] for i in order]
        sprites = [Sprite(person.rgba, PHOTO_NAMES["person"], "person", None, False) for person in people]
        canvas, layers = paste(self._backdrop(height, width, poses[0].horizon, rng), sprites, poses, rng)
        objects: list[SceneObject] = []
        outfits: list[Outfit] = []
        for person, pose, (sprite, visible, _) in zip(people, poses, layers, strict=True):
            if visible.any():
                inside = _placed((person.rgba[..., 3] > 127).astype(np.uint8), pose, height, width)
                shown = float(visible.sum()) / max(1.0, float(np.count_nonzero(inside)))
                nameable = shown >= LEAST_VISIBLE and bool(visible.sum() >= TINY * height * width)
                objects.append(measure(visible, sprite.names, sprite.kind, None, nameable))
                outfits.append(_outfit(person, pose, visible))
        phrases: list[Expression] = []
        if objects:
            count = int(rng.integers(LEAST_PHRASES, MOST_PHRASES + 1))
            phrases = clothes_phrases(objects, outfits, (height, width), rng, count, ABSENT)
        return Scene(finish(canvas, rng), tuple(objects), self.source, tuple(phrases), "all"), outfits

    def _cast(self, rng: np.random.Generator) -> list[ClothedPerson]:
        """Choose the people: often most of them wear the same kind of garment, and some garments are dyed."""
        count = min(len(self._photos), int(rng.choice([c for c, _ in COUNTS], p=[p for _, p in COUNTS])))
        kinds = list(self._with)
        alike = self._with[kinds[int(rng.integers(len(kinds)))]] if kinds and rng.random() < 0.6 else self._photos
        pool = alike if len(alike) >= count else self._photos
        chosen = [pool[int(i)] for i in rng.choice(len(pool), count, replace=False)]
        if pool is alike and rng.random() < 0.4:
            other = self._photos[int(rng.integers(len(self._photos)))]
            chosen[0] = other if other not in chosen else chosen[0]
        palette = [COLOURS[int(i)] for i in rng.permutation(len(COLOURS))[: int(rng.integers(2, 6))] if COLOURS[int(i)] != "grey"]
        return [self._dyed(self._people.person(photo), palette, rng) for photo in chosen]

    def _dyed(self, person: ClothedPerson, palette: list[str], rng: np.random.Generator) -> ClothedPerson:
        places = [place for place, garment in enumerate(person.garments) if garment.kind in DYED]
        count = int(rng.choice(3, p=(0.35, 0.45, 0.2)))
        for place in rng.permutation(len(places))[:count]:
            person = person.dyed(places[int(place)], palette[int(rng.integers(len(palette)))], rng)
        return person

    def _backdrop(self, height: int, width: int, horizon: float, rng: np.random.Generator) -> np.ndarray:
        """The backdrop, float32 `[H,W,3]` 0 to 255."""
        if self._backgrounds is not None and rng.random() < 0.75:
            return self._backgrounds.backdrop(height, width, rng).astype(np.float32)
        return surfaces.room(height, width, horizon, rng).astype(np.float32)


def stand(shapes: list[tuple[int, int]], height: int, width: int, rng: np.random.Generator) -> list[SpritePose]:
    """Poses of people of (height, width) `shapes` side by side: who is farther away is smaller, and stands higher."""
    count = len(shapes)
    close = rng.random() < 0.25  # a picture of people from head to waist
    tallest = min(0.94 * height, 3.6 * width / count) * rng.uniform(0.75, 1.0)
    if close:
        tallest = min(1.7 * height, 3.4 * width / count) * rng.uniform(0.85, 1.0)
    spread = rng.choice([0.0, 0.1, 0.3, 0.5], p=[0.2, 0.35, 0.3, 0.15])
    # 0 for the nearest person, 1 for the farthest one
    depths = rng.uniform(0, 1, count)
    depths -= depths.min()
    ground = rng.uniform(0.93, 0.99) * height
    slots = rng.permutation(count)
    margin = rng.choice([rng.uniform(0.0, 0.12), rng.uniform(0.12, 0.24)], p=[0.65, 0.35])  # apart, or in a group
    poses = []
    for i, (h, w) in enumerate(shapes):
        tall = tallest * (1 - spread * depths[i]) * rng.uniform(0.96, 1.04)
        scale = tall / h
        pitch = (1 - 2 * margin) / count
        x = (margin + (slots[i] + 0.5 + rng.normal(0, 0.10)) * pitch) * width
        x = float(np.clip(x, min(0.45 * w * scale, width / 2), max(width - 0.45 * w * scale, width / 2)))
        if close:
            y = rng.uniform(0.05, 0.09) * height + 0.25 * (tallest - tall) + tall / 2
        else:
            y = max(tall / 2 + 2, ground - 0.45 * (tallest - tall) - tall / 2)
        poses.append(SpritePose(x, y, scale, 0.0, bool(rng.random() < 0.5), float(rng.uniform(0.3, 0.6))))
    return poses


def _outfit(person: ClothedPerson, pose: SpritePose, visible: np.ndarray) -> Outfit:
    height, width = visible.shape
    worn = _placed(person.worn, pose, height, width)
    whole = np.bincount(person.worn.ravel(), minlength=len(person.garments) + 1) * pose.scale**2
    seen = np.bincount(worn[visible], minlength=len(person.garments) + 1)
    total = max(1, int(visible.sum()))
    return tuple(
        VisibleGarment(garment, int(seen[place]), float(min(1.0, seen[place] / max(1.0, whole[place]))), float(seen[place] / total))
        for place, garment in enumerate(person.garments, start=1)
        if whole[place] > 0  # also what is hidden here: nobody can say that a person with a hidden hat has none
    )


def _placed(plane: np.ndarray, pose: SpritePose, height: int, width: int) -> np.ndarray:
    """A plane of a sprite, uint8 `[h,w]`, where `paste` puts the sprite in a scene of `[height,width]`; 0 elsewhere."""
    source = plane[:, ::-1] if pose.flipped else plane
    h, w = source.shape
    moved = np.array([[pose.scale, 0, pose.x - pose.scale * w / 2], [0, pose.scale, pose.y - pose.scale * h / 2]], np.float32)
    return cv2.warpAffine(np.ascontiguousarray(source), moved, (width, height), flags=cv2.INTER_NEAREST)
