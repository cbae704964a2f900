"""A recording of what a source shows: it lasts as long as the show did, and is kept however that ends."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import numpy as np

from isfp.camera.camera import Camera
from isfp.camera.video_file import VideoFile


class VideoRecorder:
    """Writes the pictures made of a camera's frames to a video.

    with camera.open("0") as source, VideoRecorder("seen.mp4", source) as recorder:
        for frame in source:
            recorder.write(frame)

    Of a live source a picture is written as often as the video's rate asks for until the next one comes: whoever is too slow
    for the source gets a video that stutters, not one that hurries. When the block ends, by an error too, the video is kept.
    """

    def __init__(self, path: str | Path, source: Camera) -> None:
        """Take a path that ends in .mp4 or .avi; the first picture sets the size.

        Raises:
            VideoFileError: it ends otherwise, or its folder cannot be made.
        """
        self._video = VideoFile(path, source.frames_per_second)
        self._rate = source.frames_per_second if source.live else None
        self._start: float | None = None
        self._written = 0
        self._shown = np.empty(0)

    def write(self, picture: np.ndarray) -> None:
        """Append a picture, uint8 `[h,w,3]`, blue, green, red, each of the same size.

        Raises:
            VideoFileError: its size is another one, or OpenCV cannot encode it.
        """
        if self._start is None:
            self._start, self._shown = monotonic(), picture
        due = self._written + 1
        if self._rate:
            due = int((monotonic() - self._start) * self._rate) + 1
        while self._written < due:
            newest = self._written == due - 1  # till then what was shown before it stays
            self._video.write(picture if newest else self._shown)
            self._written += 1
        self._shown = picture

    def __enter__(self) -> VideoRecorder:
        self._video.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._video.__exit__(None)
