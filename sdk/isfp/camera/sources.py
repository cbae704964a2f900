"""Where frames come from: what each kind of URI means, and how it is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

import cv2
import numpy as np

from isfp import pictures
from isfp.errors import CameraError

#: Longest wait for a stream's answer and for its next frame, milliseconds. FFmpeg alone may look at a stream for 5 s as it opens.
_TIMEOUTS = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 10_000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5_000]
_CSI = (
    "nvarguscamerasrc sensor-id={sensor} ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1 ! "
    "nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1"
)
_USUAL_RATE = 30.0  # frames per second, where a source does not say
_MOST_RATE = 1000.0  # of streams that do not say, FFmpeg gives the rate of their clock, such as 90000


class Reader(Protocol):
    """An open source: gives frames until it ends."""

    #: As the source says it, or 30 where it does not.
    frames_per_second: float

    def read(self) -> np.ndarray | None:
        """Wait for the next frame, uint8 `[h,w,3]`, blue, green, red; None where there is none any more."""

    def release(self) -> None:
        """Free the source."""


@dataclass(frozen=True)
class Source:
    """A place that frames come from, not open yet.

    Attributes:
        name: the URI as it may be shown: without user and password.
        live: whether frames come by themselves, as a camera's do, and not when they are asked for.
        connect: opens it; raises `CameraError` where that fails.
    """

    name: str
    live: bool
    connect: Callable[[], Reader]


def source_of(uri: str | int | Path) -> Source:
    """Say what a URI means; `isfp.camera.open` lists the kinds.

    Raises:
        CameraError: it is of no known kind, or a file that is not there.
    """
    uri = str(uri)
    if uri.startswith("file://"):
        uri = url2pathname(urlsplit(uri).path)
    name, path = _without_password(uri), Path(uri)
    is_file = os.path.isfile(uri)  # Path.is_file raises for a pipeline that is longer than a name may be
    if uri.startswith("csi://"):
        sensor = uri.removeprefix("csi://")
        if not sensor.isdecimal():
            raise CameraError(f"{uri!r} names no sensor; expected csi:// and a sensor's number, as csi://0.")
        return Source(name, True, partial(_open_pipeline, name, _CSI.format(sensor=sensor)))
    if "!" in uri and not os.path.exists(uri):
        return Source(name, True, partial(_open_pipeline, name, uri))
    if uri.isdecimal():
        return Source(name, True, partial(_open_video, name, int(uri)))
    if uri.startswith("/dev/") and not is_file:  # /dev/shm holds files
        return Source(name, True, partial(_open_device, uri))
    if "://" in uri:
        return Source(name, True, partial(_open_stream, name, uri))
    if uri and os.path.isdir(uri):
        return Source(name, False, partial(_open_folder, path))
    if is_file:
        pictured = path.suffix.lower() in pictures.ENDINGS
        return Source(name, False, partial(_Pictures, [path]) if pictured else partial(_open_video, name, uri))
    raise CameraError(
        f"{name!r} does not exist; expected a camera's number, a device such as /dev/video0, a video, a folder of pictures, "
        "rtsp://..., csi://0, or a GStreamer pipeline that ends in appsink."
    )


def has_gstreamer() -> bool:
    """Say whether this OpenCV was built with GStreamer."""
    return any("GStreamer" in line and "YES" in line for line in cv2.getBuildInformation().splitlines())


class _Video:
    """What OpenCV reads: a camera, a stream, a pipeline or a video."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        said = capture.get(cv2.CAP_PROP_FPS)
        self.frames_per_second = said if 0 < said <= _MOST_RATE else _USUAL_RATE

    def read(self) -> np.ndarray | None:
        good, frame = self._capture.read()
        return frame if good else None

    def release(self) -> None:
        self._capture.release()


class _Pictures:
    """Picture files, one after the other."""

    frames_per_second = _USUAL_RATE

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = iter(paths)

    def read(self) -> np.ndarray | None:
        path = next(self._paths, None)
        return None if path is None else pictures.read(path)

    def release(self) -> None:
        self._paths = iter(())


def _open_pipeline(name: str, pipeline: str) -> Reader:
    if not has_gstreamer():
        raise CameraError(
            f"{name!r} needs GStreamer, and this OpenCV ({cv2.__version__}) lacks it, as PyPI's always does. "
            "Use the system's instead (sudo apt install python3-opencv; on Jetson, JetPack's own) in a virtual "
            "environment made with --system-site-packages, and pip uninstall opencv-python there."
        )
    return _checked(name, cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER))


def _open_device(path: str) -> Reader:
    if not Path(path).exists():
        raise CameraError(f"{path!r} does not exist. Check that the camera is plugged in; v4l2-ctl --list-devices shows what is.")
    return _open_video(path, path)


def _open_stream(name: str, uri: str) -> Reader:
    if cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG):
        return _checked(name, cv2.VideoCapture(uri, cv2.CAP_FFMPEG, _TIMEOUTS))
    return _open_video(name, uri)


def _open_video(name: str, uri: str | int) -> Reader:
    return _checked(name, cv2.VideoCapture(uri))


def _open_folder(path: Path) -> Reader:
    paths = sorted(file for file in path.iterdir() if file.suffix.lower() in pictures.ENDINGS)
    if not paths:
        raise CameraError(f"The folder {path} holds no pictures; expected files that end in {', '.join(sorted(pictures.ENDINGS))}.")
    return _Pictures(paths)


def _checked(name: str, capture: cv2.VideoCapture) -> Reader:
    if not capture.isOpened():
        capture.release()
        raise CameraError(
            f"{name!r} cannot be opened. Check that it exists, that no other program holds it, that you may read it "
            "(on Linux: groups | grep video), and, for a file or stream, that this OpenCV decodes its codec."
        )
    return _Video(capture)


def _without_password(uri: str) -> str:
    return re.sub(r"://\S*@", "://", uri)
