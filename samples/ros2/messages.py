"""ROS messages to frames, and results to ROS messages."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from isfp import FrameError, Segmentation, pictures
from pixels import to_bgr

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage


def frame_of(message: Image) -> np.ndarray:
    """Return an image as uint8 `[h,w,3]`, blue, green, red.

    Raises:
        FrameError: its encoding cannot be converted, it has no pixels, or it has fewer bytes than it states.
    """
    data = np.frombuffer(message.data, np.uint8)
    return to_bgr(data, message.encoding, message.height, message.width, message.step, bool(message.is_bigendian))


def compressed_frame_of(message: CompressedImage) -> np.ndarray:
    """Return a compressed image, JPEG or PNG, as uint8 `[h,w,3]`, blue, green, red.

    Raises:
        FrameError: it is compressed depth, or not a picture.
    """
    if "compressedDepth" in message.format:
        raise FrameError(f"The image's format is {message.format!r}, which is depth; expected JPEG or PNG. Use the colour topic.")
    return pictures.decode(bytes(message.data), f"The compressed image (format {message.format!r})")


def image_of(picture: np.ndarray, encoding: str, header: Header) -> Image:
    """Return a picture, uint8 `[h,w]` for mono8 or `[h,w,3]` for bgr8, as an image with this header."""
    height, width = picture.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        step=picture[0].nbytes,
        data=array("B", picture.tobytes()),  # rclpy would copy plain bytes one by one
    )


def detections_of(result: Segmentation, header: Header) -> Detection2DArray:
    """Return one detection whose class is the phrase, or none if the object was not found."""
    if result.box is None:
        return Detection2DArray(header=header)
    found, detection = ObjectHypothesisWithPose(), Detection2D(header=header)
    found.hypothesis.class_id, found.hypothesis.score = result.text, result.score
    x1, y1, x2, y2 = result.box
    detection.bbox.center.position.x, detection.bbox.center.position.y = (x1 + x2) / 2, (y1 + y2) / 2
    detection.bbox.size_x, detection.bbox.size_y = float(x2 - x1), float(y2 - y1)
    detection.results = [found]
    return Detection2DArray(header=header, detections=[detection])
