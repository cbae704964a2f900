"""ROS messages to frames, and results to ROS messages."""

from __future__ import annotations

from array import array

import cv2
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from isfp import FrameError, Segmentation

_CHANNELS = {"bgr8": 3, "rgb8": 3, "mono8": 1}


def frame_of(message: Image) -> np.ndarray:
    """Return an image as uint8 `[h,w,3]`, blue, green, red.

    Raises:
        FrameError: its encoding is not bgr8, rgb8 or mono8, it has no pixels, or it has fewer bytes than it states.
    """
    height, width, step = message.height, message.width, message.step
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        raise FrameError(
            f"The image's encoding is {message.encoding!r}; expected one of {', '.join(_CHANNELS)}. Convert it with image_proc."
        )
    if not height or not width:
        raise FrameError(f"The image is {width} x {height} pixels; expected at least one. Check its publisher.")
    if step < width * channels or len(message.data) < step * height:
        raise FrameError(
            f"The image has {len(message.data)} bytes in rows of {step}; expected {height} rows of {width * channels} or more, "
            f"for {message.encoding} at {width} x {height}. Check its publisher."
        )
    rows = np.frombuffer(message.data, np.uint8)[: height * step].reshape(height, step)
    pixels = rows[:, : width * channels].reshape(height, width, channels)  # rows may be padded
    if message.encoding == "bgr8":
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_GRAY2BGR)


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
