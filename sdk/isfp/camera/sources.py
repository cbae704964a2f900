"""Where frames come from: what each kind of URI means, and how it is opened."""

from __future__ import annotations

import logging
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
from isfp.camera.redaction import shown_path, shown_pipeline, shown_url
from isfp.errors import CameraError, FrameError
from isfp.files.names import printable
from isfp.files.picture_folder import find_pictures
from isfp.steps.arguments import shown

#: Longest wait for a stream's answer and for its next frame, milliseconds. FFmpeg alone may look at a stream for 5 s as it opens.
_TIMEOUTS = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 10_000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5_000]
_CSI = (
    "nvarguscamerasrc sensor-id={sensor} ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1 ! "
    "nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1"
)
_USUAL_RATE = 30.0  # frames per second, where a source does not say
#: OpenCV takes further hundreds for its backends, and version 5 crashes on a negative number.
_MOST_CAMERAS = 100
_FASTEST_FILE = 120.0  # frames per second, for files whose time stamps decide
_LOOK_AHEAD = 24  # frames whose time stamps are looked at as a file is opened
_MOST_RATE = 1000.0  # of streams that do not say, FFmpeg gives the rate of their clock, such as 90000
_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_log = logging.getLogger(__name__)


class Reader(Protocol):
    """An open source: gives frames until it ends."""

    #: As the source says it, or 30 where it does not.
    frames_per_second: float
    #: When the frame read last is shown, seconds after the first one.
    seconds: float
    #: Pictures that were passed over because they cannot be read, with the reason.
    unreadable: dict[str, str]

    def read(self) -> np.ndarray | None:
        """Wait for the next frame, uint8 `[h,w,3]`, blue, green, red; None where there is none any more."""

    def release(self) -> None:
        """Free the source."""


@dataclass(frozen=True)
class Source:
    """A place that frames come from, not open yet.

    Attributes:
        name: the URI as it may be shown: without anything that may be a secret.
        live: whether frames come by themselves, as a camera's do, and not when they are asked for.
        connect: opens it; raises `CameraError` where that fails.
        path: the file or folder, if it is one.
    """

    name: str
    live: bool
    connect: Callable[[], Reader]
    path: Path | None = None


def source_of(uri: str | int | Path) -> Source:
    """Say what a URI means; `isfp.camera.open` lists the kinds.

    Raises:
        CameraError: it is of no known kind, or a file that is not there.
    """
    if isinstance(uri, str) and uri.startswith("file://"):
        uri = Path(url2pathname(urlsplit(uri).path))
    path = Path(str(uri))
    if isinstance(uri, int):
        return _numbered(uri)
    if not isinstance(uri, str | Path):
        raise CameraError(f"The source is {shown(uri)}; expected a camera's number, a path, or a URI as text.")
    given_as_path, uri = isinstance(uri, Path), str(uri)
    # What exists is what it is, whatever its name looks like. os.path.isfile returns False for a pipeline longer than a name.
    if uri and os.path.isdir(uri):
        return Source(uri, False, partial(_open_folder, path), path)
    if os.path.isfile(uri):
        pictured = path.suffix.lower() in pictures.ENDINGS
        return Source(uri, False, partial(_Pictures, [path]) if pictured else partial(_open_file, path), path)
    if uri.startswith("/dev/"):
        return Source(uri, True, partial(_open_device, uri))
    if given_as_path:
        raise CameraError(f"{shown_path(uri)!r} does not exist; expected a video, an image or a folder of images.")
    if uri == "-":
        raise CameraError("Standard input is not a source of frames. Give a file, or a camera.")
    if uri.startswith("csi://"):
        sensor = uri.removeprefix("csi://")
        if not sensor.isdecimal():
            raise CameraError(f"{shown_url(uri)!r} names no sensor; expected csi:// and a sensor's number, as csi://0.")
        return Source(uri, True, partial(_open_pipeline, uri, _CSI.format(sensor=sensor)))
    if "!" in uri and not re.match(r"\w+://", uri):
        name = shown_pipeline(uri)
        return Source(name, True, partial(_open_pipeline, name, uri))
    if uri.isdecimal():
        return _numbered(int(uri))
    if "://" in uri:
        name = shown_url(uri)
        return Source(name, True, partial(_open_stream, name, uri))
    raise CameraError(
        f"{shown_path(uri)!r} does not exist; expected a camera's number, a device such as /dev/video0, a video, a folder of "
        "images, rtsp://..., csi://0, or a GStreamer pipeline that ends in appsink."
    )


def _numbered(number: int) -> Source:
    if isinstance(number, bool) or not 0 <= number < _MOST_CAMERAS:
        raise CameraError(f"{shown(number)} is no camera's number; expected one from 0 to {_MOST_CAMERAS - 1}.")
    return Source(str(number), True, partial(_open_video, str(number), number))


@dataclass(frozen=True)
class StatedLength:
    """How long a video says it is.

    Attributes:
        frames: how many frames it states; 0 if it does not. Some formats state a duration, and this is that times the rate.
        rate: the frame rate that it states.
    """

    frames: int
    rate: float

    def longer_than(self, count: int, seconds: float) -> bool:
        """Say whether the file states more than the `count` frames that were read, which ended at `seconds`."""
        return count < self.frames and seconds * self.rate < self.frames - 1.5


def stated_length(path: Path) -> StatedLength:
    """Return how long a video says it is; nothing for what is not a video file."""
    if not path.is_file() or path.suffix.lower() in pictures.ENDINGS or not _is_utf8(path):
        return StatedLength(0, 0.0)
    capture = cv2.VideoCapture(str(path))
    try:
        return StatedLength(max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))), capture.get(cv2.CAP_PROP_FPS))
    finally:
        capture.release()


def has_gstreamer() -> bool:
    """Say whether this OpenCV was built with GStreamer."""
    return any("GStreamer" in line and "YES" in line for line in cv2.getBuildInformation().splitlines())


class _Video:
    """What OpenCV reads: a camera, a stream, a pipeline or a video, as phones record it; its frames are turned upright."""

    def __init__(self, capture: cv2.VideoCapture, rate: float = 0.0) -> None:
        self._capture, self._rotation = capture, _rotation(capture)
        said = rate or capture.get(cv2.CAP_PROP_FPS)
        self.frames_per_second = said if 0 < said <= _MOST_RATE else _USUAL_RATE
        self.seconds = -1 / self.frames_per_second
        self.unreadable: dict[str, str] = {}

    def read(self) -> np.ndarray | None:
        good, frame = self._capture.read()
        if not good:
            return None
        stamp = _stamp(self._capture)
        # Without usable time stamps, frames follow each other at the frame rate.
        self.seconds = stamp if stamp > self.seconds and stamp >= 0 else max(self.seconds + 1 / self.frames_per_second, 0.0)
        return frame if self._rotation is None else cv2.rotate(frame, self._rotation)

    def release(self) -> None:
        self._capture.release()


class _Pictures:
    """Picture files, one after the other; those that cannot be read are passed over, unless none can."""

    frames_per_second = _USUAL_RATE

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths, self._count = iter(paths), 0
        self.unreadable: dict[str, str] = {}
        self.seconds = 0.0

    def read(self) -> np.ndarray | None:
        first: FrameError | None = None
        for path in self._paths:
            try:
                frame = pictures.read(path)
            except FrameError as error:
                first = first or error
                self.unreadable[str(path)] = str(error)
                _log.warning("Passed over: %s", printable(str(error)))
                continue
            self.seconds = self._count / self.frames_per_second
            self._count += 1
            return frame
        if first and not self._count:
            raise first
        return None

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


def _open_file(path: Path) -> Reader:
    name = printable(str(path))
    if not _is_utf8(path):
        raise CameraError(f"The name of the video {name} is not UTF-8, and OpenCV cannot open it. Rename the file.")
    return _checked(name, cv2.VideoCapture(str(path)), _file_rate(str(path)))


def _is_utf8(path: Path) -> bool:
    """Say whether OpenCV can be given a path: version 5 crashes on one that is not UTF-8."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _file_rate(path: str) -> float:
    """Return the rate at which a video shows each of its first frames, from their time stamps; 0 if it is as the file says.

    The rate that a file of variable frame rate states is an average, or that of its clock.
    """
    capture = cv2.VideoCapture(path)
    try:
        said = capture.get(cv2.CAP_PROP_FPS)
        stamps: list[float] = []
        while len(stamps) < _LOOK_AHEAD and capture.grab():
            stamps.append(_stamp(capture))
    finally:
        capture.release()
    gaps = np.diff(stamps)
    gaps = gaps[np.isfinite(gaps) & (gaps > 0)]
    if len(gaps) < max(1, len(stamps) // 2):
        return 0.0
    rate = min(1 / float(np.median(gaps)), _FASTEST_FILE)
    return 0.0 if 0.9 * rate <= said <= min(1.1 * rate, _MOST_RATE) else float(round(rate, 2 if rate < 5 else 0))


def _rotation(capture: cv2.VideoCapture) -> int | None:
    """Return how frames must be rotated, as `cv2.rotate` takes it, and keep OpenCV from doing it: version 4.11 does not."""
    if not capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0):
        return None  # it knows of no orientation, as with a camera
    degrees = round(capture.get(cv2.CAP_PROP_ORIENTATION_META))
    if cv2.__version__.startswith("4.6."):  # it alone turns the other way
        degrees = -degrees
    return _ROTATIONS.get(degrees % 360)


def _stamp(capture: cv2.VideoCapture) -> float:
    """Return when the frame grabbed last is shown, seconds after the first; NaN or a negative number if that is not known."""
    return float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000


def _open_folder(path: Path) -> Reader:
    try:
        found = find_pictures(path, deep=False)
    except OSError as error:
        raise CameraError(f"The folder {printable(str(path))} cannot be read: {error.strerror}. Check its permissions.") from error
    notes = found.notes()
    if not found.pictures:
        raise CameraError(
            f"The folder {printable(str(path))} holds no pictures; expected files that end in "
            f"{', '.join(sorted(pictures.ENDINGS))}. {' '.join(map(printable, notes))}".rstrip()
        )
    for note in notes:
        _log.warning("%s: %s", printable(str(path)), printable(note))
    return _Pictures([path / picture for picture in found.pictures])


def _checked(name: str, capture: cv2.VideoCapture, rate: float = 0.0) -> Reader:
    if not capture.isOpened():
        capture.release()
        raise CameraError(
            f"{name!r} cannot be opened. Check that it exists, that no other program holds it, that you may read it "
            "(on Linux: groups | grep video), and, for a file or stream, that this OpenCV decodes its codec."
        )
    return _Video(capture, rate)
