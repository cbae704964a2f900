"""Camera frame to network frame (a letterbox), and the way back for masks, boxes and points."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from isfp.errors import FrameError


def check_frame(frame: object) -> np.ndarray:
    """Return `frame` if it is a uint8 picture `[h,w,3]` with at least one pixel.

    Raises:
        FrameError: it is anything else; the message names what it is and how to make it fit.
    """
    found, hint = _fault(frame)
    if found:
        raise FrameError(
            f"The frame {found}; expected a numpy array of uint8, [height,width,3], channels blue, green, red, "
            f"as cv2.imread gives it.{hint}"
        )
    assert isinstance(frame, np.ndarray)
    return frame


def _fault(frame: object) -> tuple[str, str]:
    """Return what is wrong with a frame and what to do about it; two empty texts where nothing is."""
    if frame is None:
        return "is None", " cv2.imread and VideoCapture.read give None where reading failed."
    if not isinstance(frame, np.ndarray):
        return f"is of type {type(frame).__name__}", ""
    if frame.dtype != np.uint8:
        nan = " with NaN in it" if frame.dtype.kind == "f" and np.isnan(frame).any() else ""
        return f"is of {frame.dtype}{nan}", " If its values run from 0 to 1: (frame * 255).round().astype('uint8')."
    if frame.size == 0:
        return f"has the shape {list(frame.shape)}, so no pixels", ""
    if frame.ndim == 2:
        return f"has the shape {list(frame.shape)}", " For a grey frame: cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)."
    if frame.ndim == 3 and frame.shape[2] == 4:
        return f"has the shape {list(frame.shape)}", " For four channels: cv2.cvtColor(frame, cv2.COLOR_BGRA2BGR)."
    if frame.ndim != 3 or frame.shape[2] != 3:
        return f"has the shape {list(frame.shape)}", ""
    return "", ""


@dataclass(frozen=True)
class Placement:
    """Where a frame lies within the network's view, and the way between the two.

    Coordinates are continuous pixels: pixel column x covers x to x+1, so a box's right and lower ends are exclusive.

    Attributes:
        frame_size: the frame's own height and width, pixels.
        top: first row of the view that the frame covers.
        left: first column of it.
        height: rows that the frame covers.
        width: columns that it covers.
    """

    frame_size: tuple[int, int]
    top: int
    left: int
    height: int
    width: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The part of the view `[H,W]` that is frame, not padding."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Bring logits or probabilities `[H,W]` to the frame's own size: padding cropped, linear resize.

        Returns:
            float32 `[h,w]`.
        """
        rows, columns = self.frame_size
        cropped = np.ascontiguousarray(values[self.window], np.float32)
        return cv2.resize(cropped, (columns, rows), interpolation=cv2.INTER_LINEAR)

    def mask(self, logits: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Bring mask logits `[H,W]` to a mask of the frame's own size; the logits are resized, then thresholded.

        Args:
            logits: float `[H,W]`.
            threshold: the probability, between 0 and 1, above which a pixel belongs to the mask.

        Returns:
            bool `[h,w]`.
        """
        return self.restore(logits) > np.float32(np.log(threshold / (1 - threshold)))

    def points_to_frame(self, points: np.ndarray) -> np.ndarray:
        """Map points `[...,2]` (x, y) of the view to the frame; points on the padding land outside the frame."""
        return (np.asarray(points, np.float64) - self._corner) / self._scale

    def points_to_view(self, points: np.ndarray) -> np.ndarray:
        """Map points `[...,2]` (x, y) of the frame to the view."""
        return np.asarray(points, np.float64) * self._scale + self._corner

    def boxes_to_frame(self, boxes: np.ndarray) -> np.ndarray:
        """Map boxes `[...,4]` (x1, y1, x2, y2) of the view to the frame."""
        boxes = np.asarray(boxes)
        return self.points_to_frame(boxes.reshape(*boxes.shape[:-1], 2, 2)).reshape(boxes.shape)

    def boxes_to_view(self, boxes: np.ndarray) -> np.ndarray:
        """Map boxes `[...,4]` (x1, y1, x2, y2) of the frame to the view."""
        boxes = np.asarray(boxes)
        return self.points_to_view(boxes.reshape(*boxes.shape[:-1], 2, 2)).reshape(boxes.shape)

    @property
    def _corner(self) -> np.ndarray:
        return np.array([self.left, self.top], np.float64)

    @property
    def _scale(self) -> np.ndarray:
        rows, columns = self.frame_size
        return np.array([self.width / columns, self.height / rows], np.float64)


@dataclass(frozen=True)
class Framing:
    """The letterbox into the network's view: the whole frame, its aspect kept, centred on grey.

    Attributes:
        height: H, rows of the view.
        width: W, columns of it.
        fill: grey value of the padding, 0 to 255.
    """

    height: int
    width: int
    fill: int = 128

    def place(self, frame_height: int, frame_width: int) -> Placement:
        """Say where a frame of this size lies within the view."""
        scale = min(self.height / frame_height, self.width / frame_width)
        height = min(self.height, max(1, round(frame_height * scale)))
        width = min(self.width, max(1, round(frame_width * scale)))
        top, left = (self.height - height) // 2, (self.width - width) // 2
        return Placement((frame_height, frame_width), top, left, height, width)

    def fit(self, frame: np.ndarray, out: np.ndarray | None = None) -> tuple[np.ndarray, Placement]:
        """Letterbox a frame; the order of its channels is kept.

        Args:
            frame: uint8 `[h,w,3]`.
            out: uint8 `[1,H,W,3]` to write to; a new array where none is given.

        Returns:
            The view, uint8 `[1,H,W,3]`, and where the frame lies in it.

        Raises:
            FrameError: `frame` is no such picture.
        """
        frame = check_frame(frame)
        placement = self.place(*frame.shape[:2])
        if out is None:
            out = np.empty((1, self.height, self.width, 3), np.uint8)
        if (placement.height, placement.width) != (self.height, self.width):
            out.fill(self.fill)
        _resize_into(frame, out[0][placement.window])
        return out, placement

    def fit_mask(self, mask: np.ndarray) -> np.ndarray:
        """Letterbox a mask, bool `[h,w]`, as `fit` letterboxes its frame.

        Returns:
            How much of each pixel of the view the mask covers, float32 `[H,W]`, 0 to 1; 0 on the padding.
        """
        placement = self.place(*mask.shape)
        out = np.zeros((self.height, self.width), np.float32)
        _resize_into(np.asarray(mask, np.float32), out[placement.window])
        return out


def _resize_into(source: np.ndarray, target: np.ndarray) -> None:
    """Resize to the target's size: pixel areas where it shrinks, so that nothing aliases, else linear."""
    rows, columns = target.shape[:2]
    shrinks = rows < source.shape[0] or columns < source.shape[1]
    cv2.resize(source, (columns, rows), dst=target, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
