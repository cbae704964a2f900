"""From a mask to a grasp: centre and main axis in the image and, with an aligned depth image, in metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from isfp.errors import IsfpError

#: A component of a mask smaller than this share of its largest component is a speck, not part of the object.
SPECK = 0.05
#: Minimum number of pixels with depth from which a position is computed.
LEAST = 10
#: Depths that differ from the object's plane by more than this many deviations are not the object's. No depth camera is better than
#: this share of the distance, so a smaller difference is never an outlier.
DEVIATIONS, NOISE = 3.5, 0.01

#: Metres between which the median depth within a mask must lie: no depth camera sees farther, and nothing nearer is in focus. What
#: lies outside has another unit.
NEAREST, FARTHEST = 0.01, 100.0
#: A piece of a mask larger than this share of its largest piece may be another object.
LARGE = 0.1

#: How far, as a factor, the plane may go on beyond the nearest and farthest depth that was trusted.
BEYOND = 1.25


class GeometryError(IsfpError, ValueError):
    """A mask, depth image or intrinsics cannot be measured."""


class DepthUnitError(GeometryError):
    """The depths within a mask are not plausible in metres: they have another unit."""


@dataclass(frozen=True)
class Intrinsics:
    """A camera without distortion (rectified), as OpenCV and ROS have it: the centre of the first pixel is (0, 0).

    Attributes:
        fx: focal length along x, pixels.
        fy: along y.
        cx: column of the optical axis.
        cy: row of it.
    """

    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        try:
            sound = bool(np.isfinite([self.fx, self.fy, self.cx, self.cy]).all() and self.fx > 0 and self.fy > 0)
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise GeometryError(f"The intrinsics are {self}; expected finite numbers, and focal lengths above 0, in pixels.")

    @classmethod
    def of_matrix(cls, matrix: np.ndarray | Sequence[float]) -> Intrinsics:
        """Take K, `[3,3]` or its nine values row by row, as in ROS's CameraInfo.

        Raises:
            GeometryError: it is not such a matrix.
        """
        try:
            k = np.asarray(matrix, np.float64)
        except (TypeError, ValueError) as error:
            raise GeometryError(f"The camera matrix is not of numbers ({error}); expected 3 x 3, or its nine values.") from error
        if k.size != 9:
            raise GeometryError(f"The camera matrix has the shape {list(k.shape)}; expected 3 x 3, or its nine values.")
        return cls(*(float(k.reshape(3, 3)[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2))))

    def points(self, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Return the points `[N,3]` (right, down, forward), metres, of pixels `[N,2]` (column, row) at depths `[N]`, metres."""
        across = (pixels - [self.cx, self.cy]) / [self.fx, self.fy]
        return np.column_stack([across, np.ones(len(pixels))]) * depth[:, None]


@dataclass(frozen=True)
class Outline:
    """A mask's position and main axis in the image.

    Attributes:
        centre: gravity centre (x, y), pixels; pixel column x covers x to x+1.
        angle: of the main axis, degrees above -90 to 90, from the x axis towards y, so clockwise as one sees it.
        length: extent along the main axis, pixels.
        width: extent across it.
        elongation: ratio of the deviations along and across, 1 or more; near 1 the object has no meaningful main axis.
    """

    centre: tuple[float, float]
    angle: float
    length: float
    width: float
    elongation: float


@dataclass(frozen=True, eq=False)
class Position:
    """Where an object's visible side is, in the camera's coordinates: x right, y down, z forward, metres.

    Attributes:
        centroid: mean of the visible surface over its pixels, float64 `[3]`.
        axis: direction of the main axis of the plane through the visible side, either way, unit length, float64 `[3]`.
        length: extent along the main axis, metres.
        width: extent across it within that plane, metres: what a gripper that comes from the camera must open to.
        trusted: share of the mask's pixels whose depth was there and agreed, 0 to 1; the depth of the others was filled in. Divided
            by the number of the mask's pieces.
        outline: place and main axis in the picture; if an object leans away, a different side may be its long one there.
    """

    centroid: np.ndarray
    axis: np.ndarray
    length: float
    width: float
    trusted: float
    outline: Outline


def outline(mask: np.ndarray) -> Outline:
    """Measure a mask, bool `[h,w]`; specks beside the object do not count.

    Raises:
        GeometryError: it is not such a mask, or is empty.
    """
    return _outline(_pixels(mask)[0])


def locate(mask: np.ndarray, depth: np.ndarray, intrinsics: Intrinsics, pieces: int = 1) -> Position:
    """Find an object in space.

    A plane is fitted to the depths within the mask; depths far from it (background along the edge, flying pixels) are left out, and
    holes are filled from it, so that neither pulls the centroid aside. Up to nearly half of the depths may be wrong.

    Args:
        mask: the object's mask, bool `[h,w]`.
        depth: aligned to the mask's frame, `[h,w]`: float, metres, or uint16, millimetres. 0, NaN and infinity are holes.
        intrinsics: of the camera that the frame is of.
        pieces: `Segmentation.pieces`, in how many large pieces the mask was before one was kept. `trusted` is divided by it,
            because the piece may be the wrong one, or a part of the object. Pieces that `mask` itself has count too.

    Raises:
        DepthUnitError: the median depth within the mask is not plausible in metres.
        GeometryError: the mask is empty, the depth image is not of its size or kind, there are too few depths within the mask, the
            intrinsics are no Intrinsics, or `pieces` is no whole number.
    """
    if not isinstance(intrinsics, Intrinsics):
        raise GeometryError(
            f"The intrinsics are of the type {type(intrinsics).__name__}; expected Intrinsics. Make them of a camera matrix with "
            "Intrinsics.of_matrix(K)."
        )
    if not isinstance(pieces, int | np.integer) or pieces < 0:
        raise GeometryError(f"pieces is {ascii(pieces)[:60]}; expected a whole number, as Segmentation.pieces is.")
    pixels, own_pieces = _pixels(mask)
    columns, rows = pixels.T
    distances = _metres(depth, mask.shape)[rows, columns]
    known = np.isfinite(distances) & (distances > 0)
    if known.sum() < LEAST:
        raise GeometryError(
            f"{known.sum()} of the mask's {len(pixels)} pixels have a depth; expected {LEAST} at least. Check that the depth image "
            "is aligned to the frame, and that the object is within the camera's range."
        )
    seen = distances[known]
    _check_unit(float(np.median(seen)), depth.dtype)
    plane, trusted = _fit(pixels[known], seen)
    on_plane = _at(plane, pixels, seen[trusted])
    filled = on_plane.copy()
    filled[np.flatnonzero(known)[trusted]] = seen[trusted]

    surface = intrinsics.points(pixels, on_plane)
    vectors = np.linalg.eigh(np.cov(surface.T, bias=True))[1]
    pixel = float(on_plane.mean()) / min(intrinsics.fx, intrinsics.fy)
    across, along = np.ptp(surface @ vectors[:, 1:], axis=0) + pixel
    return Position(
        centroid=intrinsics.points(pixels, filled).mean(axis=0),
        axis=vectors[:, 2],
        length=float(along),
        width=float(across),
        trusted=float(trusted.sum() / len(pixels) / max(pieces, own_pieces)),
        outline=_outline(pixels),
    )


def _check_unit(median: float, dtype: np.dtype) -> None:
    if NEAREST <= median <= FARTHEST:
        return
    if median > FARTHEST:
        hint = "Depth in millimetres as float is read as metres: pass depth / 1000, or the uint16 image as it is."
    elif dtype == np.uint16:
        hint = "A uint16 depth image is read as millimetres: pass one in other units as float, in metres."
    else:
        hint = "Pass depth in metres as float, or in millimetres as uint16."
    raise DepthUnitError(
        f"The median depth within the mask is {median:g} m; expected {NEAREST:g} to {FARTHEST:g} m, the range of depth cameras. "
        f"{hint}"
    )


def _pixels(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """The pixels (column, row) of a mask without its specks, `[N,2]`, and how many large pieces it has."""
    if not isinstance(mask, np.ndarray) or isinstance(mask, np.ma.MaskedArray) or mask.dtype != bool or mask.ndim != 2:
        found = f"{mask.dtype} {list(mask.shape)}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise GeometryError(f"The mask is {found}; expected a numpy array of bool, [height,width], as a Segmentation has it.")
    if not mask.any():  # before OpenCV, which crashes on a mask of no rows
        raise GeometryError("The mask is empty; use only results of objects that were found (result.found).")
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = statistics[1:, cv2.CC_STAT_AREA]
    kept = np.concatenate([[False], areas >= SPECK * areas.max()])
    rows, columns = np.nonzero(kept[labels])
    return np.column_stack([columns, rows]), int((areas >= LARGE * areas.max()).sum())


def _outline(pixels: np.ndarray) -> Outline:
    centre = pixels.mean(axis=0)
    # A pixel is a square, not a point: that adds 1/12 to the variance along any direction.
    spread = np.cov((pixels - centre).T, bias=True) + np.eye(2) / 12
    values, vectors = np.linalg.eigh(spread)
    x, y = vectors[:, 1]
    angle = float(np.degrees(np.arctan2(y, x)))
    angle = angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle
    across, along = np.ptp((pixels - centre) @ vectors, axis=0) + 1
    x, y = (float(value) + 0.5 for value in centre)
    return Outline((x, y), angle, float(along), float(across), float(np.sqrt(values[1] / values[0])))


def _metres(depth: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    if isinstance(depth, np.ma.MaskedArray):
        raise GeometryError(
            "The depth image is a masked array; expected a plain one. Make its masked pixels holes: depth.filled(0)."
        )
    if not isinstance(depth, np.ndarray) or depth.shape != size or not (depth.dtype == np.uint16 or depth.dtype.kind == "f"):
        found = f"{depth.dtype} {list(depth.shape)}" if isinstance(depth, np.ndarray) else type(depth).__name__
        raise GeometryError(
            f"The depth image is {found}; expected {list(size)}, as the mask, of float (metres) or uint16 (millimetres). Align it "
            "to the colour frame first."
        )
    return depth / 1000.0 if depth.dtype == np.uint16 else depth.astype(np.float64)


def _fit(pixels: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit a plane, which is linear in the inverse of depth: its three numbers, and which depths `[N]` are near it."""
    terms = np.column_stack([pixels, np.ones(len(pixels))])
    plane = np.array([0.0, 0.0, 1 / np.median(depth)])
    near = np.ones(len(depth), bool)
    for _ in range(10):
        off = np.abs(depth * (terms @ plane) - 1)  # error as a share of the distance
        limit = max(DEVIATIONS * 1.4826 * float(np.median(off)), NOISE)
        before, near = near, off <= limit
        plane = np.linalg.lstsq(terms[near], 1 / depth[near], rcond=None)[0]
        if (near == before).all():
            break
    return plane, near


def _at(plane: np.ndarray, pixels: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """The plane's depths `[N]` at pixels `[N,2]`, metres, not far out of the range of the depths that were trusted."""
    inverse = np.column_stack([pixels, np.ones(len(pixels))]) @ plane
    return 1 / np.clip(inverse, 1 / (BEYOND * trusted.max()), BEYOND / trusted.min())
