"""Clips with exact masks, to measure flicker and lag of masks over time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from isfp_train.data.phrases.phrases import make_phrases
from isfp_train.data.scene import ANYTHING, measure, scene_rng
from isfp_train.data.scenes.backdrops import room, texture
from isfp_train.data.scenes.compose import ProceduralScenes, paste
from isfp_train.data.scenes.layout import SpritePose, draw_order, lay_out

#: Kinds of clips.
MOTIONS = ("still", "moving", "hidden")
#: Quality of the camera's JPEG stream, 0 to 100.
_JPEG = 85
_TRIES = 50


@dataclass(frozen=True)
class Clip:
    """A few seconds of video, and the object that a phrase describes in it.

    Attributes:
        frames: uint8 `[T,H,W,3]`, RGB.
        masks: the visible part of the object, bool `[T,H,W]`.
        text: a phrase that describes this object in every frame, by its name, or by name and colour.
        motion: "still", "moving" (the object moves along a straight line) or "hidden" (a board covers it for a while).
        velocity: pixels per frame, (x, y); zeros unless the object moves.
    """

    frames: np.ndarray
    masks: np.ndarray
    text: str
    motion: str
    velocity: tuple[float, float]


class MovingScenes(ProceduralScenes):
    """Clips of drawn objects on drawn surfaces, with sensor noise.

    Args:
        size: longer side of a frame in pixels.
        noise: standard deviation of the sensor noise in grey values, different in each frame. 0 disables noise, JPEG and changes of
            light.
    """

    source = "moving"

    def __init__(self, size: int = 320, noise: float = 6.0) -> None:
        super().__init__(size)
        self.noise = noise

    def clip(self, seed: int, motion: str = "still", length: int = 16, speed: float = 4.0) -> Clip:
        """The clip of this seed.

        Args:
            seed: seed of the scene, which is the same for every motion.
            motion: one of `MOTIONS`.
            length: number of frames, T.
            speed: speed of a moving object, in pixels per frame.

        Raises:
            ValueError: the motion is unknown, or no scene of this seed has an object with a phrase and with room to move.
        """
        if motion not in MOTIONS:
            raise ValueError(f"motion is {motion!r}; expected one of {MOTIONS}.")
        for attempt in range(_TRIES):
            clip = self._attempt(scene_rng(f"{self.source} {attempt}", seed), motion, length, speed)
            if clip is not None:
                return clip
        raise ValueError(f"No scene of seed {seed} has an object with room for {length} frames at {speed} pixels per frame.")

    def _attempt(self, rng: np.random.Generator, motion: str, length: int, speed: float) -> Clip | None:
        height, width = round(self.size * 3 / 4), self.size
        sprites = self._cast(rng)
        poses = lay_out([s.rgba.shape[:2] for s in sprites], [s.tilts for s in sprites], height, width, rng)
        order = draw_order(poses, [s.rgba.shape[:2] for s in sprites])
        sprites, poses = [sprites[i] for i in order], [poses[i] for i in order]
        horizon = poses[0].horizon
        surface = room(height, width, horizon, rng) if horizon > 0 else texture(height, width, rng)
        light = int(rng.integers(2**31))  # the same shadows and light in every frame

        def view(poses: list[SpritePose]) -> tuple[np.ndarray, list[np.ndarray]]:
            canvas, layers = paste(surface.astype(np.float32), sprites, poses, np.random.default_rng(light))
            return canvas, [visible for _, visible, _ in layers]

        canvas, visible = view(poses)
        if not all(mask.any() for mask in visible):
            return None
        objects = [
            measure(mask, (*s.names, ANYTHING), s.kind, s.colour, bool(mask.sum() >= 0.005 * mask.size))
            for s, mask in zip(sprites, visible, strict=True)
        ]
        # Names and colours stay true while objects move; places and relations do not.
        said = [
            r for r in make_phrases(objects, (height, width), rng, 12) if r.kind in ("unique", "colour") and r.target is not None
        ]
        if not said:
            return None
        phrase = said[0]
        target = phrase.target
        assert target is not None
        step = _free_way(objects[target].box, (height, width), length, speed, rng) if motion == "moving" else (0.0, 0.0)
        if step is None:
            return None
        if motion == "moving":  # the moving object passes in front of the others
            last = [i for i in range(len(sprites)) if i != target] + [target]
            sprites, poses, target = [sprites[i] for i in last], [poses[i] for i in last], len(last) - 1
        views, masks = [], []
        for number in range(length):
            start = poses[target]
            moved = [*poses]
            moved[target] = replace(start, x=start.x + step[0] * number, y=start.y + step[1] * number)
            canvas, visible = view(moved) if motion == "moving" or number == 0 else (canvas, visible)
            shown, mask = canvas.copy(), visible[target].copy()
            if motion == "hidden" and length // 3 <= number < 2 * length // 3:
                _cover(shown, mask, objects[target].box)
            views.append(self._sensor(shown, rng))
            masks.append(mask)
        return Clip(np.stack(views), np.stack(masks), phrase.text, motion, step)

    def _sensor(self, canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Simulate a frame of a cheap camera from a view float32 `[H,W,3]`: noise, small changes of light, JPEG."""
        if self.noise == 0:
            return np.clip(canvas, 0, 255).astype(np.uint8)
        grain = rng.standard_normal(canvas.shape, dtype=np.float32) * np.float32(self.noise)
        image = np.clip(canvas * np.float32(rng.normal(1, 0.01)) + grain, 0, 255).astype(np.uint8)
        return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG])[1], cv2.IMREAD_COLOR))


def _free_way(
    box: tuple[float, float, float, float], size: tuple[int, int], length: int, speed: float, rng: np.random.Generator
) -> tuple[float, float] | None:
    """A step (x, y) in pixels, in a random direction that keeps the box inside the frame; None if none was found."""
    height, width = size
    for angle in rng.uniform(0, 2 * np.pi, 24):
        x, y = speed * np.cos(angle) * (length - 1), speed * np.sin(angle) * (length - 1)
        if box[0] + x >= 0 and box[1] + y >= 0 and box[2] + x <= width and box[3] + y <= height:
            return float(speed * np.cos(angle)), float(speed * np.sin(angle))
    return None


def _cover(canvas: np.ndarray, mask: np.ndarray, box: tuple[float, float, float, float]) -> None:
    """Cover a box with a grey board, in place."""
    x0, y0, x1, y1 = (round(value) for value in box)
    part = np.s_[max(0, y0 - 4) : y1 + 4, max(0, x0 - 4) : x1 + 4]
    canvas[part] = (150, 148, 146)
    mask[part] = False
