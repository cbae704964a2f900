"""Random changes of a stored scene while it is sampled, so that no two epochs see the same picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from isfp_train.data.store.store import FILL

#: The smallest scale of a moved picture. Smaller ones would move what is "on the left" to the other half of the frame.
LEAST_SCALE = 0.8
#: Largest changes of a picture's light: of its contrast and colourfulness as shares, of its brightness in values of 0 to 255.
CONTRAST, COLOUR, BRIGHTNESS = 0.3, 0.3, 30.0
#: Standard deviation of the noise of a camera in the dark, in values of 0 to 255.
NOISE = 8.0


@dataclass(frozen=True)
class Move:
    """A scale along each axis and a shift, in pixels of the network's input: x' = `scale[0]` x + `shift[0]`, and so on."""

    scale: tuple[float, float]
    shift: tuple[float, float]

    @classmethod
    def draw(cls, side: int, rng: np.random.Generator) -> Move:
        """A random one that keeps the whole picture in a frame of `side` pixels."""
        scale = rng.uniform(LEAST_SCALE, 1, 2)
        shift = rng.uniform(0, 1, 2) * (1 - scale) * side
        return cls((float(scale[0]), float(scale[1])), (float(shift[0]), float(shift[1])))

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies afterwards, in pixels."""
        return self.scale[0] * x + self.shift[0], self.scale[1] * y + self.shift[1]

    def picture(self, view: np.ndarray) -> np.ndarray:
        """Move a picture uint8 `[H,W,3]`; what is left free is filled as a letterbox is."""
        return self._warped(view, cv2.INTER_LINEAR, (FILL,) * 3)

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """Move a mask bool `[H,W]`."""
        return self._warped(mask.view(np.uint8), cv2.INTER_NEAREST, 0).astype(bool)

    def _warped(self, array: np.ndarray, interpolation: int, fill: object) -> np.ndarray:
        (wide, high), (right, down) = self.scale, self.shift
        # Pixel centres are at halves, and cv2 counts from the centre of the first one.
        matrix = np.array([[wide, 0, right + (wide - 1) / 2], [0, high, down + (high - 1) / 2]])
        size = (array.shape[1], array.shape[0])
        return cv2.warpAffine(np.ascontiguousarray(array), matrix, size, flags=interpolation, borderValue=fill)  # type: ignore[call-overload]


def relit(view: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change contrast, brightness and colourfulness of a picture uint8 `[H,W,3]`, and half of the time add noise or blur.

    Hues stay, because phrases name colours.
    """
    picture = view.astype(np.float32)
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * rng.uniform(1 - COLOUR, 1 + COLOUR)
    picture = (picture - FILL) * rng.uniform(1 - CONTRAST, 1 + CONTRAST) + FILL + rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    spoiled = rng.random()
    if spoiled < 0.25:
        picture += rng.normal(0, rng.uniform(0, NOISE), picture.shape).astype(np.float32)
    elif spoiled < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.2))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
