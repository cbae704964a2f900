"""Camera frame to network input (a letterbox), and the way back for masks, boxes and points."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import gcd

import cv2
import numpy as np

from isfp.errors import FrameError

#: How far logits below a threshold may lie from it and, by rounding, give a pixel above it between them.
_ROUNDING = 1e-5


def check_frame(frame: object) -> np.ndarray:
    """Return `frame` if it is a uint8 image `[h,w,3]` with at least one pixel.

    Raises:
        FrameError: it is anything else; the message says what it is and how to convert it.
    """
    found, hint = _fault(frame)
    if found:
        raise FrameError(
            f"The frame {found}; expected a NumPy array of uint8, [height,width,3], channels blue, green, red, as cv2.imread "
            f"returns it.{hint}"
        )
    assert isinstance(frame, np.ndarray)
    return frame


def _fault(frame: object) -> tuple[str, str]:
    """Return what is wrong with a frame and what to do about it; two empty strings if nothing is."""
    if frame is None:
        return "is None", " cv2.imread and VideoCapture.read return None when reading fails."
    if not isinstance(frame, np.ndarray):
        return f"is of the type {type(frame).__name__}", _to_array(frame)
    if isinstance(frame, np.ma.MaskedArray):
        return "is a masked array", " Say what stands for the masked pixels: frame.filled(0)."
    if frame.dtype != np.uint8:
        nan = " with NaN in it" if frame.dtype.kind == "f" and np.isnan(frame).any() else ""
        return f"has the type {frame.dtype}{nan}", _to_uint8(frame.dtype)
    if frame.size == 0:
        return f"has the shape {list(frame.shape)}, so it has no pixels", ""
    if frame.shape[2:] == (3,):
        return "", ""
    return f"has the shape {list(frame.shape)}", _to_three_channels(frame.shape)


def _to_array(frame: object) -> str:
    """Say how what is no array becomes one."""
    if isinstance(frame, str | os.PathLike):
        return " Read the picture first: isfp.pictures.read(path)."
    if isinstance(frame, bytes | bytearray | memoryview):
        return " Decode the picture first: isfp.pictures.decode(content, name)."
    if isinstance(frame, list | tuple):
        return " For several frames, call this for each of them, or use `stream`."
    module = type(frame).__module__.partition(".")[0]
    if module == "torch":
        return " For a tensor [3,height,width] of uint8, RGB: frame.permute(1, 2, 0).flip(-1).cpu().numpy()."
    if module == "PIL":
        return " For a PIL image: numpy.asarray(frame.convert('RGB'))[..., ::-1]."
    if module == "cv2":
        return " For a UMat: frame.get()."
    return ""


def _to_three_channels(shape: tuple[int, ...]) -> str:
    """Say how a frame of another shape becomes one of three channels."""
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        return " For a grey frame: cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)."
    if len(shape) == 3 and shape[2] == 4:
        return " For four channels: cv2.cvtColor(frame, cv2.COLOR_BGRA2BGR)."
    if len(shape) == 3 and shape[0] == 3:
        return " If its channels come first: frame.transpose(1, 2, 0)."
    if len(shape) == 4:
        return " For several frames, call this for each of them, or use `stream`; one frame of a batch is frame[0]."
    return ""


def _to_uint8(dtype: np.dtype) -> str:
    """Say how values of this type become uint8."""
    if dtype.kind == "f":
        return " If its values run from 0 to 1: (frame * 255).round().astype('uint8')."
    if dtype.kind == "b":
        return " For a mask as a picture: frame.astype('uint8') * 255."
    if dtype.kind == "u" and dtype.itemsize == 2:
        return (
            " If its values use all 16 bits: (frame >> 8).astype('uint8'); a camera of 10 or 12 bits needs frame >> 2 or "
            "frame >> 4. Depth is not a picture."
        )
    if dtype.kind in "iu":
        return " If its values run from 0 to 255: frame.astype('uint8')."
    return ""


@dataclass(frozen=True)
class Letterbox:
    """How a frame of one size is placed in the network's input, and the mapping between the two.

    Coordinates are continuous pixels: pixel column x covers x to x+1, so a box's right and lower ends are exclusive.

    Attributes:
        frame_size: the frame's own height and width, pixels.
        top: first row of the input that the frame covers.
        left: first column of the input that the frame covers.
        height: number of rows that the frame covers.
        width: number of columns that the frame covers.
    """

    frame_size: tuple[int, int]
    top: int
    left: int
    height: int
    width: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The part of the input `[H,W]` that is frame, not padding."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Resize logits or probabilities `[H,W]` to the frame's own size: crop the padding, then resize linearly.

        Returns:
            float32 `[h,w]`.
        """
        return _enlarge(np.asarray(values[self.window], np.float32), *self.frame_size)

    def mask(self, logits: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Turn mask logits `[H,W]` into a mask of the frame's own size: resize the logits, then apply the threshold.

        Args:
            logits: float `[H,W]`.
            threshold: the probability, between 0 and 1, above which a pixel belongs to the mask.

        Returns:
            bool `[h,w]`.
        """
        return self.mask_above(logits[self.window], logit_of(threshold))[0]

    def mask_above(self, cropped: np.ndarray, level: float) -> tuple[np.ndarray, tuple[slice, slice]]:
        """Return which pixels of the frame lie above a logit, and a part of the frame outside of which none does.

        Only the part around the mask is resized, because the rest is below the level whatever it is resized to. It is cut where a
        pixel begins both in the input and in the frame, so that every pixel keeps its place between its neighbours. Where OpenCV
        rounds these places to float32 (builds without Intel's IPP, such as those for ARM), a pixel whose logit is within rounding
        of the level may differ from that of the whole, resized: some 3 of 10 million.

        Args:
            cropped: logits without padding, `[height,width]`.
            level: pixels whose logit is above it belong to the mask.

        Returns:
            bool `[h,w]`, and rows and columns of it.
        """
        cropped = np.asarray(cropped, np.float32)
        mask = np.zeros(self.frame_size, bool)
        above = cropped > np.float32(level - _ROUNDING * max(1.0, abs(level)))
        x, y, width, height = cv2.boundingRect(above.view(np.uint8))
        if not width:
            return mask, (slice(0, 0), slice(0, 0))
        (rows, columns), (frame_rows, frame_columns) = zip(
            _cut(y, y + height, self.height, self.frame_size[0]), _cut(x, x + width, self.width, self.frame_size[1]), strict=True
        )
        size = frame_rows.stop - frame_rows.start, frame_columns.stop - frame_columns.start
        np.greater(_enlarge(cropped[rows, columns], *size), np.float32(level), out=mask[frame_rows, frame_columns])
        return mask, (frame_rows, frame_columns)

    def points_to_frame(self, points: np.ndarray) -> np.ndarray:
        """Map points `[...,2]` (x, y) from the input to the frame; points on the padding land outside the frame."""
        return (np.asarray(points, np.float64) - self._corner) / self._scale

    def points_to_input(self, points: np.ndarray) -> np.ndarray:
        """Map points `[...,2]` (x, y) from the frame to the input."""
        return np.asarray(points, np.float64) * self._scale + self._corner

    def boxes_to_frame(self, boxes: np.ndarray) -> np.ndarray:
        """Map boxes `[...,4]` (x1, y1, x2, y2) from the input to the frame."""
        boxes = np.asarray(boxes)
        return self.points_to_frame(boxes.reshape(*boxes.shape[:-1], 2, 2)).reshape(boxes.shape)

    def boxes_to_input(self, boxes: np.ndarray) -> np.ndarray:
        """Map boxes `[...,4]` (x1, y1, x2, y2) from the frame to the input."""
        boxes = np.asarray(boxes)
        return self.points_to_input(boxes.reshape(*boxes.shape[:-1], 2, 2)).reshape(boxes.shape)

    @property
    def _corner(self) -> np.ndarray:
        return np.array([self.left, self.top], np.float64)

    @property
    def _scale(self) -> np.ndarray:
        rows, columns = self.frame_size
        return np.array([self.width / columns, self.height / rows], np.float64)


@dataclass(frozen=True)
class Framing:
    """How frames of any size become the network's input: the whole frame, with its aspect ratio kept, centred on grey.

    Attributes:
        height: H, rows of the input.
        width: W, columns of the input.
        fill: grey value of the padding, 0 to 255.
    """

    height: int
    width: int
    fill: int = 128

    def letterbox(self, frame_height: int, frame_width: int) -> Letterbox:
        """Return the letterbox of a frame of this size."""
        scale = min(self.height / frame_height, self.width / frame_width)
        height = min(self.height, max(1, round(frame_height * scale)))
        width = min(self.width, max(1, round(frame_width * scale)))
        top, left = (self.height - height) // 2, (self.width - width) // 2
        return Letterbox((frame_height, frame_width), top, left, height, width)

    def fit(self, frame: np.ndarray, out: np.ndarray | None = None) -> tuple[np.ndarray, Letterbox]:
        """Letterbox a frame; the order of its channels is kept.

        Args:
            frame: uint8 `[h,w,3]`.
            out: uint8 `[1,H,W,3]` to write to; by default a new array.

        Returns:
            The network's input, uint8 `[1,H,W,3]`, and where the frame is in it.

        Raises:
            FrameError: `frame` is not such an image.
        """
        frame = check_frame(frame)
        letterbox = self.letterbox(*frame.shape[:2])
        if out is None:
            out = np.empty((1, self.height, self.width, 3), np.uint8)
        rows, columns = letterbox.window
        for padding in (out[0, : rows.start], out[0, rows.stop :], out[0, rows, : columns.start], out[0, rows, columns.stop :]):
            if padding.size:
                padding.fill(self.fill)
        _resize_into(frame, out[0][letterbox.window])
        return out, letterbox

    def fit_mask(self, mask: np.ndarray) -> np.ndarray:
        """Letterbox a mask, bool `[h,w]`, as `fit` letterboxes its frame.

        Returns:
            How much of each pixel of the input the mask covers, float32 `[H,W]`, 0 to 1; 0 on the padding.
        """
        letterbox = self.letterbox(*mask.shape)
        out = np.zeros((self.height, self.width), np.float32)
        _resize_into(np.asarray(mask, np.float32), out[letterbox.window])
        return out


def logit_of(probability: float) -> float:
    """Return the logit of a probability between 0 and 1."""
    return float(np.log(probability / (1 - probability)))


def _cut(start: int, stop: int, size: int, frame_size: int) -> tuple[slice, slice]:
    """Grow a range of the input's pixels by one at either end, and on to where a pixel begins in the frame too: in both.

    Args:
        start: first pixel, without padding.
        stop: the pixel after the last.
        size: number of pixels without padding.
        frame_size: number of the frame's pixels along the same axis.
    """
    common = gcd(size, frame_size)
    step, frame_step = size // common, frame_size // common
    first, last = max(0, start - 1) // step, -(-min(size, stop + 1) // step)
    return slice(first * step, last * step), slice(first * frame_step, last * frame_step)


def _enlarge(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Resize float32 `[h,w]` linearly."""
    return cv2.resize(np.ascontiguousarray(values), (columns, rows), interpolation=cv2.INTER_LINEAR)


def _resize_into(source: np.ndarray, target: np.ndarray) -> None:
    """Resize to the target's size: pixel areas where it shrinks, so that nothing aliases, else linear."""
    rows, columns = target.shape[:2]
    shrinks = rows < source.shape[0] or columns < source.shape[1]
    height, width = source.shape[:2]
    if height % (2 * rows) == width % (2 * columns) == 0:
        # OpenCV has a fast way to halve a picture. With whole factors, areas of the half are the same areas, up to rounding.
        source = cv2.resize(source, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    cv2.resize(source, (columns, rows), dst=target, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
