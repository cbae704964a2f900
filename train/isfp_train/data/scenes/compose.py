"""Scenes composed of sprites on backdrops, with exact masks of the visible parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from isfp_train.data.scene import ANYTHING, Scene, measure, scene_rng
from isfp_train.data.scenes import backdrops as surfaces
from isfp_train.data.scenes.backdrops import PhotoBackdrops, VisibleObject
from isfp_train.data.scenes.layout import SpritePose, draw_order, lay_out
from isfp_train.data.scenes.photos import AnnotatedBackdrops, PhotoScenes
from isfp_train.data.sprites.coco import CocoCutouts
from isfp_train.data.sprites.colours import COLOURS, confusable
from isfp_train.data.sprites.names import may_be_called
from isfp_train.data.sprites.procedural import ProceduralSprites
from isfp_train.data.sprites.sprites import Sprite, SpriteSource

__all__ = ["ComposedScenes", "PhotoScenes", "ProceduralScenes", "finish", "paste"]

#: Aspect ratios (width / height) of scenes, each with its frequency.
ASPECTS = ((1.0, 0.4), (4 / 3, 0.3), (16 / 9, 0.15), (3 / 4, 0.15))
#: An object of which a smaller share is visible is a distractor, never a target.
LEAST_VISIBLE = 0.6
#: The same for objects that are part of the backdrop.
LEAST_LEFT = 0.7


class ComposedScenes:
    """Scenes with sprites, cut-outs and drawn objects on photos and drawn surfaces.

    Args:
        sprites: source of sprites, or None.
        cutouts: cut-outs of photos, or None. Their photos are also used as backdrops, with all their annotated objects.
        backgrounds: other photos to use as backdrops, or None.
        size: longer side of a scene in pixels.
        drawn: share of scenes whose objects are drawn by code, if there is another source.
    """

    source = "composed"

    def __init__(
        self,
        sprites: SpriteSource | None = None,
        cutouts: CocoCutouts | None = None,
        backgrounds: PhotoBackdrops | None = None,
        size: int = 320,
        drawn: float = 0.25,
    ) -> None:
        self.size = size
        self._drawn = ProceduralSprites()
        self._backgrounds = backgrounds
        self._annotated = AnnotatedBackdrops(cutouts.coco, cutouts.photo_ids) if cutouts is not None else None
        offered: tuple[tuple[SpriteSource | None, float], ...] = ((sprites, 0.5), (cutouts, 0.5))
        others = [(source, share) for source, share in offered if source is not None]
        total = sum(share for _, share in others)
        self._sources: list[tuple[SpriteSource, float]] = [(s, share / total * (1 - drawn)) for s, share in others]
        self._sources.append((self._drawn, drawn if others else 1.0))

    def scene(self, seed: int) -> Scene:
        """The scene of this seed."""
        rng = scene_rng(self.source, seed)
        aspect = rng.choice([a for a, _ in ASPECTS], p=[p for _, p in ASPECTS])
        height, width = (self.size, int(self.size * aspect)) if aspect < 1 else (int(self.size / aspect), self.size)
        sprites = self._cast(rng)
        poses = lay_out([s.rgba.shape[:2] for s in sprites], [s.tilts for s in sprites], height, width, rng)
        order = draw_order(poses, [s.rgba.shape[:2] for s in sprites])
        sprites, poses = [sprites[i] for i in order], [poses[i] for i in order]
        canvas, behind, plain = self._backdrop(height, width, poses[0].horizon if poses else 0.0, rng)
        canvas, layers = paste(canvas, sprites, poses, rng)
        covered = np.zeros((height, width), bool)
        objects = []
        for sprite, visible, whole in layers:
            covered |= visible
            if visible.any():
                shown = float(visible.sum()) / max(1.0, whole)
                names = (*sprite.names, ANYTHING) if plain else sprite.names
                objects.append(measure(visible, names, sprite.kind, sprite.colour, shown >= LEAST_VISIBLE))
        for old in behind:
            visible = old.mask & ~covered
            if visible.any():
                nameable = old.nameable and bool(visible.sum() >= LEAST_LEFT * old.mask.sum())
                objects.append(measure(visible, old.names, old.kind, old.colour, nameable))
        return Scene(finish(canvas, rng), tuple(objects), self.source)

    def _backdrop(
        self, height: int, width: int, horizon: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, list[VisibleObject], bool]:
        """The backdrop, float32 `[H,W,3]` 0 to 255; its objects; and whether nothing else in it could be called an object."""
        choice = rng.random()
        if self._annotated is not None and choice < 0.35:
            photo, behind = self._annotated.backdrop(height, width, rng)
            return photo.astype(np.float32), behind, False
        if self._backgrounds is not None and choice < 0.6:
            return self._backgrounds.backdrop(height, width, rng).astype(np.float32), [], False
        made = surfaces.room(height, width, horizon, rng) if horizon > 0 else surfaces.texture(height, width, rng)
        return made.astype(np.float32), [], True

    def _cast(self, rng: np.random.Generator) -> list[Sprite]:
        """Choose the objects: usually several of one kind, and some of other kinds."""
        weights = [share for _, share in self._sources]
        source = self._sources[int(rng.choice(len(weights), p=weights))][0]
        count = int(rng.integers(2, 9))
        chosen: list[Sprite] = []
        if rng.random() < 0.8:
            kind = _pick(source.kinds, rng)
            alike = int(min(count, rng.choice([2, 3, 4, 5], p=[0.35, 0.35, 0.2, 0.1])))
            chosen += self._alike(source, kind, alike, rng)
            if count - alike >= 2 and rng.random() < 0.35:
                chosen += self._alike(source, self._other_kind(source, chosen, rng), 2, rng)
        while len(chosen) < count:
            other = source if rng.random() < 0.6 else self._sources[int(rng.choice(len(weights), p=weights))][0]
            colour = COLOURS[int(rng.integers(len(COLOURS)))] if rng.random() < 0.6 else None
            chosen.append(other.sprite(self._other_kind(other, chosen, rng), rng, colour))
        order = rng.permutation(len(chosen))
        return [chosen[i] for i in order]

    def _alike(self, source: SpriteSource, kind: str, count: int, rng: np.random.Generator) -> list[Sprite]:
        """Several sprites of one kind: the same sprite, or different ones, often in different colours."""
        style = rng.random()
        if style < 0.35:
            first = source.sprite(kind, rng, COLOURS[int(rng.integers(len(COLOURS)))] if rng.random() < 0.5 else None)
            return [first] * count
        palette = _palette(count if style < 0.7 else 2, rng)
        return [source.sprite(kind, rng, palette[i % len(palette)]) for i in range(count)]

    def _other_kind(self, source: SpriteSource, present: list[Sprite], rng: np.random.Generator) -> str:
        """A kind that is not confused with the present objects, unless none is found after a few attempts."""
        kind = _pick(source.kinds, rng)
        for _ in range(8):
            if not any(may_be_called(kind, sprite.kind) for sprite in present):
                break
            kind = _pick(source.kinds, rng)
        return kind


class ProceduralScenes(ComposedScenes):
    """Scenes of drawn objects on drawn surfaces, which need no data.

    Args:
        size: longer side of a scene in pixels.
    """

    source = "procedural"

    def __init__(self, size: int = 320) -> None:
        super().__init__(size=size)


@dataclass(frozen=True)
class _Layer:
    """A warped sprite: `rgb` [h,w,3] 0 to 255 and `alpha` [h,w], at `x`, `y` in the scene."""

    rgb: np.ndarray
    alpha: np.ndarray
    x: int
    y: int


def paste(
    canvas: np.ndarray, sprites: Sequence[Sprite], poses: Sequence[SpritePose], rng: np.random.Generator
) -> tuple[np.ndarray, list[tuple[Sprite, np.ndarray, float]]]:
    """Draw sprites from back to front.

    Args:
        canvas: float32 `[H,W,3]`, 0 to 255.
        sprites: sprites to draw.
        poses: their poses, in the same order; the first is farthest back.
        rng: chooses shadows and light.

    Returns:
        The picture, and for each sprite its visible mask bool `[H,W]` (these are disjoint) and its whole area in pixels.
    """
    height, width = canvas.shape[:2]
    owner = np.zeros((height, width), np.uint8)
    areas = []
    shadow_on = rng.random() < 0.75
    direction, softness, depth = rng.uniform(-0.6, 0.6), rng.uniform(1.5, 5.0), rng.uniform(0.2, 0.55)
    for index, (sprite, pose) in enumerate(zip(sprites, poses, strict=True), start=1):
        layer = _warp(sprite, pose, rng)
        if shadow_on:
            _shadow(canvas, layer, direction, softness, depth, pose.horizon > 0)
        rows, columns, inner = _overlap(layer, height, width)
        alpha = layer.alpha[inner]
        canvas[rows, columns] += (layer.rgb[inner] - canvas[rows, columns]) * alpha[..., None]
        owner[rows, columns][alpha > 0.5] = index
        areas.append(float((layer.alpha > 0.5).sum()))
    return canvas, [(s, owner == i, areas[i - 1]) for i, s in enumerate(sprites, start=1)]


def _warp(sprite: Sprite, pose: SpritePose, rng: np.random.Generator) -> _Layer:
    height, width = sprite.rgba.shape[:2]
    source = sprite.rgba[:, ::-1] if pose.flipped else sprite.rgba
    premultiplied = source.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255.0
    scale = pose.scale
    if scale < 0.6:
        small = (max(2, round(width * scale)), max(2, round(height * scale)))
        premultiplied = np.asarray(cv2.resize(premultiplied, small, interpolation=cv2.INTER_AREA), np.float32)
        height, width = premultiplied.shape[:2]
        scale = 1.0
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), pose.angle, scale)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    new_width, new_height = int(np.ceil(height * sin + width * cos)) + 3, int(np.ceil(height * cos + width * sin)) + 3
    turn[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    warped = cv2.warpAffine(premultiplied, turn, (new_width, new_height), flags=cv2.INTER_LINEAR)
    alpha = np.clip(warped[..., 3] / 255.0, 0, 1)
    rgb = warped[..., :3] / np.maximum(alpha, 1e-3)[..., None]
    gain, lift = rng.uniform(0.88, 1.10), rng.uniform(-8, 8)
    return _Layer(np.clip(rgb * gain + lift, 0, 255), alpha, round(pose.x - new_width / 2), round(pose.y - new_height / 2))


def _shadow(canvas: np.ndarray, layer: _Layer, direction: float, softness: float, depth: float, standing: bool) -> None:
    height, width = canvas.shape[:2]
    pad = int(softness * 3)
    if standing:
        foot = max(3, int(layer.alpha.shape[0] * 0.14))
        cast = cv2.resize(layer.alpha, (layer.alpha.shape[1], foot), interpolation=cv2.INTER_AREA)
        x, y = layer.x + int(direction * foot), layer.y + layer.alpha.shape[0] - int(foot * 0.8)
        depth = min(0.8, depth * 1.4)
    else:
        cast = layer.alpha
        x, y = layer.x + int(direction * 10), layer.y + 4
    cast = cv2.GaussianBlur(np.pad(cast, pad), (0, 0), softness)
    rows, columns, inner = _overlap(_Layer(cast, cast, x - pad, y - pad), height, width)
    canvas[rows, columns] *= 1 - depth * cast[inner][..., None]


def _overlap(layer: _Layer, height: int, width: int) -> tuple[slice, slice, tuple[slice, slice]]:
    """Rows and columns of the scene that a layer covers, and the part of the layer that is inside the scene."""
    h, w = layer.alpha.shape
    top, left = max(0, layer.y), max(0, layer.x)
    bottom, right = max(top, min(height, layer.y + h)), max(left, min(width, layer.x + w))
    inner = (slice(top - layer.y, bottom - layer.y), slice(left - layer.x, right - layer.x))
    return slice(top, bottom), slice(left, right), inner


def finish(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Simulate a camera: light, contrast, colour cast, blur, noise and JPEG.

    Args:
        canvas: float32 `[H,W,3]`, 0 to 255, RGB.
        rng: chooses the strength of each.

    Returns:
        uint8 `[H,W,3]`, RGB.
    """
    cast = rng.normal(1.0, 0.025, 3).astype(np.float32) * np.float32(rng.uniform(0.82, 1.12))
    contrast = np.float32(rng.uniform(0.85, 1.1))
    view = (canvas - 118) * (contrast * cast) + 118 * cast
    if rng.random() < 0.35:
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.3, 0.9))))
    if rng.random() < 0.5:
        noise = rng.standard_normal(view.shape[:2], dtype=np.float32) * np.float32(rng.uniform(1, 6))
        view += noise[..., None]
    image: np.ndarray = np.clip(view, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(55, 95))
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return image


def _pick(kinds: Sequence[str], rng: np.random.Generator) -> str:
    return kinds[int(rng.integers(len(kinds)))]


def _palette(count: int, rng: np.random.Generator) -> list[str]:
    """Colours that are not confused with each other."""
    chosen: list[str] = []
    for index in rng.permutation(len(COLOURS)):
        if len(chosen) < count and not any(confusable(COLOURS[index], other) for other in chosen):
            chosen.append(COLOURS[index])
    return chosen
