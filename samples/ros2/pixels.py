"""The pixels of a ROS image, in each encoding that can become blue, green and red. Knows nothing of ROS's own types."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from isfp import FrameError


@dataclass(frozen=True)
class Encoding:
    """How one encoding stores its pixels.

    Attributes:
        bytes: bytes of a pixel in a row.
        channels: values of a pixel.
        code: OpenCV's conversion to BGR; None if it is BGR already.
        even_width: pixels share a colour with the one beside them.
        even_height: and with the one below.
        planes: how many times the image's height the rows of its data are.
    """

    bytes: int
    channels: int
    code: int | None
    even_width: bool = False
    even_height: bool = False
    planes: float = 1


_BGR, _GREY, _BGRA = Encoding(3, 3, None), Encoding(1, 1, cv2.COLOR_GRAY2BGR), Encoding(4, 4, cv2.COLOR_BGRA2BGR)
_UYVY = Encoding(2, 2, cv2.COLOR_YUV2BGR_UYVY, even_width=True)
_YUYV = Encoding(2, 2, cv2.COLOR_YUV2BGR_YUY2, even_width=True)
ENCODINGS = {
    "bgr8": _BGR,
    "rgb8": Encoding(3, 3, cv2.COLOR_RGB2BGR),
    "mono8": _GREY,
    "bgra8": _BGRA,
    "rgba8": Encoding(4, 4, cv2.COLOR_RGBA2BGR),
    # OpenCV's own names say nothing about the order of colours; its own order is blue, green, red.
    "8UC1": _GREY,
    "8UC3": _BGR,
    "8UC4": _BGRA,
    # 16-bit colour uses the whole range, unlike mono16 (below): the upper byte is the picture.
    "bgr16": Encoding(6, 3, None),
    "rgb16": Encoding(6, 3, cv2.COLOR_RGB2BGR),
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
    "nv21": Encoding(1, 1, cv2.COLOR_YUV2BGR_NV21, even_width=True, even_height=True, planes=1.5),
    # ROS names the four pixels from the upper left; OpenCV's names without an alias start at the second row and column.
    "bayer_rggb8": Encoding(1, 1, cv2.COLOR_BayerBG2BGR, even_width=True, even_height=True),
    "bayer_bggr8": Encoding(1, 1, cv2.COLOR_BayerRG2BGR, even_width=True, even_height=True),
    "bayer_gbrg8": Encoding(1, 1, cv2.COLOR_BayerGR2BGR, even_width=True, even_height=True),
    "bayer_grbg8": Encoding(1, 1, cv2.COLOR_BayerGB2BGR, even_width=True, even_height=True),
}


def to_bgr(data: np.ndarray, encoding: str, height: int, width: int, step: int, big_endian: bool = False) -> np.ndarray:
    """Return an image's pixels as uint8 `[height,width,3]`, blue, green, red.

    Args:
        data: the message's bytes, uint8 `[n]`.
        encoding: as in `sensor_msgs/image_encodings`.
        height: rows.
        width: columns.
        step: bytes of a row, with its padding.
        big_endian: the upper byte of a 16-bit value comes first.

    Raises:
        FrameError: no such picture can be made of it; the message says what to do.
    """
    layout = ENCODINGS.get(encoding)
    if layout is None:
        raise FrameError(f"The image's encoding is {encoding!r}; expected one of {', '.join(ENCODINGS)}. {_remedy(encoding)}")
    if not height or not width:
        raise FrameError(f"The image is {width} x {height} pixels; expected at least one. Check its publisher.")
    if (layout.even_width and width % 2) or (layout.even_height and height % 2):
        raise FrameError(f"The image is {width} x {height} pixels; expected even sizes for {encoding}. Check its publisher.")
    rows, used = int(height * layout.planes), width * layout.bytes
    if step < used or len(data) < step * rows:
        raise FrameError(
            f"The image has {len(data)} bytes in rows of {step}; expected {rows} rows of {used} or more, "
            f"for {encoding} at {width} x {height}. Check its publisher."
        )
    pixels = data[: rows * step].reshape(rows, step)[:, :used]  # rows may be padded
    if layout.bytes == 2 * layout.channels:
        pixels = pixels[:, 0 if big_endian else 1 :: 2]
    pixels = np.ascontiguousarray(pixels).reshape(rows, width, layout.channels)
    return pixels if layout.code is None else cv2.cvtColor(pixels, layout.code)


def _remedy(encoding: str) -> str:
    """Say what to do about an encoding that is no picture, or not one whose range is known."""
    if encoding.lower() in ENCODINGS or encoding.upper() in ENCODINGS:
        known = encoding.lower() if encoding.lower() in ENCODINGS else encoding.upper()
        return f"Encodings are written {known!r}."
    if encoding in ("16UC1", "32FC1", "64FC1", "16SC1", "32SC1"):
        return "This is how depth is published: subscribe to the camera's colour image instead."
    if encoding.startswith(("mono16", "bayer_")):
        return (
            "A 16-bit image does not say how many of its bits the camera uses: set the camera's driver to 8 bits, or publish "
            "(image / (2**bits - 1) * 255).astype('uint8') as mono8."
        )
    if not encoding:
        return "The publisher must say how its pixels are stored."
    return "Set the camera's driver to one of them, or convert with cv_bridge: cv2_to_imgmsg(picture, 'bgr8')."
