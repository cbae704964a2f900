"""What may be given as an input: a file, or `-` for an image; not a URL."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from isfp import pictures
from isfp.camera.redaction import shown_url
from isfp.errors import CameraError, FrameError
from isfp.files.read_file import read_stream

_URL = re.compile(r"\w[\w+.-]*://")


def read_image(name: str) -> np.ndarray:
    """Read an image, uint8 `[h,w,3]`, from a file or, for `-`, from standard input.

    Raises:
        FrameError: it is a URL, cannot be read, or is not an image.
    """
    if name == "-":
        if sys.stdin is None:
            raise FrameError("--image - reads an image from standard input, which is closed. Give it a file: isfp run ... < FILE")
        if sys.stdin.isatty():
            raise FrameError(
                "--image - reads an image from standard input, which is a terminal. Give it a file: isfp run ... < FILE"
            )
        try:
            content = read_stream(sys.stdin.buffer, "-")
        except OSError as error:
            raise FrameError(f"Standard input cannot be read: {error.strerror}. Expected a picture.") from error
        return pictures.decode(content, "What came on standard input")
    if _URL.match(name):
        raise FrameError(
            f"{shown_url(name)} is a URL, and isfp does not download images. Fetch it yourself: "
            "curl -sL URL | isfp run BUNDLE --image - ..."
        )
    return pictures.read(name)


def local_file(name: str) -> Path:
    """Return the path of a video file.

    Raises:
        CameraError: it is `-` or a URL, or does not exist.
    """
    if name == "-":
        raise CameraError("--video - is not possible: a video is read from a file. Write it to one first.")
    if _URL.match(name):
        raise CameraError(
            f"{shown_url(name)} is a URL; --video reads a file. Download it first. For a live stream: isfp record, or "
            "samples/camera.py."
        )
    path = Path(name)
    if not path.exists():
        raise CameraError(f"The video {path} does not exist. Check the path.")
    return path
