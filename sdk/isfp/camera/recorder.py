"""A recording of what a source shows: it lasts as long as the source did, and is kept however that ends."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import numpy as np

from isfp.camera.camera import Camera
from isfp.camera.video_file import VideoFile
from isfp.files.atomic_file import refuse_input


class VideoRecorder:
    """Writes pictures made from a camera's frames to a video.

    with camera.open("0") as source, VideoRecorder("seen.mp4", source) as recorder:
        for frame in source:
            recorder.write(frame)

    A picture is shown at the time of its frame: for a live source when it is written, else when the source's time stamp says. If
    frames are read ahead, as by `Segmenter.stream`, give the time of each: `recorder.write(picture, item.seconds)`.
    The video has a constant frame rate, so pictures are repeated where needed. When the block ends, also by an error, the video
    is kept.
    """

    def __init__(self, path: str | Path, source: Camera) -> None:
        """Take a path that ends in .mp4, .avi or .webm; the first picture sets the size.

        Raises:
            WriteError: the path is the source, it has another ending, or its folder cannot be written to.
        """
        refuse_input(path, source.path)
        self.video = VideoFile(path, source.frames_per_second)
        self._source = source
        self._start: float | None = None

    def write(self, picture: np.ndarray, seconds: float | None = None) -> None:
        """Append a picture.

        Args:
            picture: uint8 `[h,w,3]`, blue, green, red, each of the same size.
            seconds: when its frame is shown, seconds after the source's first; by default that of the frame that was read last.

        Raises:
            VideoFileError: its size differs from the first one's, the disk is full, or it cannot be encoded.
        """
        if seconds is None:
            seconds = self._time_since_start() if self._source.live else self._source.seconds
        self.video.write(picture, seconds)

    def _time_since_start(self) -> float:
        if self._start is None:
            self._start = monotonic()
        return monotonic() - self._start

    def __enter__(self) -> VideoRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.video.close()
