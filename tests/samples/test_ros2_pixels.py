"""Pixels of ROS images in each encoding, made here from one picture and compared with it. Needs no ROS."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import pixels
from isfp import FrameError

# Flat patches: colours that neighbours share stay exact inside them.
BGR = np.kron(np.array([[[200, 40, 30], [20, 180, 60]], [[30, 60, 220], [120, 130, 140]]], np.uint8), np.ones((8, 8, 1), np.uint8))
INSIDE = [(row, column) for row in (4, 12) for column in (4, 12)]
BAYER = {"rggb": "RGGB", "bggr": "BGGR", "gbrg": "GBRG", "grbg": "GRBG"}


def mosaic(pattern: str) -> np.ndarray:
    out = np.zeros(BGR.shape[:2], np.uint8)
    for place, letter in enumerate(pattern):
        row, column = divmod(place, 2)
        out[row::2, column::2] = BGR[row::2, column::2, "BGR".index(letter)]
    return out


def packed_yuv(first_luma: bool) -> np.ndarray:
    # OpenCV's packed formats have the range of video: luma 16 to 235, colour 16 to 240.
    blue, green, red = (BGR[..., n].astype(float) for n in range(3))
    y = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u, v = 128 - 0.148 * red - 0.291 * green + 0.439 * blue, 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    colour = np.where(np.arange(BGR.shape[1]) % 2, v, u)
    pair = (y, colour) if first_luma else (colour, y)
    return np.dstack(pair).round().astype(np.uint8)


def nv21() -> np.ndarray:
    i420 = cv2.cvtColor(BGR, cv2.COLOR_BGR2YUV_I420)
    height, width = BGR.shape[:2]
    u, v = i420[height:].reshape(2, height // 2, width // 2)
    return np.vstack([i420[:height], np.dstack([v, u]).reshape(height // 2, width)])


def stored() -> dict[str, np.ndarray]:
    rgb, alpha = BGR[..., ::-1], np.full((*BGR.shape[:2], 1), 7, np.uint8)
    bgra = np.dstack([BGR, alpha])
    wide = BGR.astype("<u2") << 8 | 0x21
    return {
        "bgr8": BGR,
        "8UC3": BGR,
        "rgb8": rgb,
        "bgra8": bgra,
        "8UC4": bgra,
        "rgba8": np.dstack([rgb, alpha]),
        "bgr16": wide.view(np.uint8),
        "rgb16": np.ascontiguousarray(wide[..., ::-1]).view(np.uint8),
        "yuv422": packed_yuv(first_luma=False),
        "uyvy": packed_yuv(first_luma=False),
        "yuv422_yuy2": packed_yuv(first_luma=True),
        "yuyv": packed_yuv(first_luma=True),
        "nv21": nv21(),
        **{f"bayer_{name}8": mosaic(pattern) for name, pattern in BAYER.items()},
    }


def convert(encoding: str, content: np.ndarray, padding: int = 0, **more) -> np.ndarray:
    rows = np.ascontiguousarray(content).reshape(content.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return pixels.to_bgr(rows.ravel(), encoding, *BGR.shape[:2], rows.shape[1], **more)


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("encoding", stored())
def test_every_colour_encoding_gives_the_same_picture(encoding, padding):
    found = convert(encoding, stored()[encoding], padding)
    assert found.shape == BGR.shape
    assert found.dtype == np.uint8
    for place in INSIDE:
        assert found[place] == pytest.approx(BGR[place].astype(int), abs=4), place


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_is_the_same_in_all_channels(encoding):
    grey = BGR[..., 1]
    assert (convert(encoding, grey) == grey[..., None]).all()


def test_the_order_of_bytes_is_the_messages_own():
    wide = (BGR.astype(">u2") << 8).astype(">u2")
    assert (convert("bgr16", wide.view(np.uint8), big_endian=True) == BGR).all()


def test_every_encoding_that_is_accepted_has_a_test():
    assert stored().keys() | {"mono8", "8UC1"} == pixels.ENCODINGS.keys()


@pytest.mark.parametrize(
    ("encoding", "remedy"),
    [
        ("16UC1", "subscribe to the camera's colour image"),
        ("32FC1", "subscribe to the camera's colour image"),
        ("mono16", "how many of its bits"),
        ("bayer_rggb16", "how many of its bits"),
        ("BGR8", "Encodings are written 'bgr8'"),
        ("8uc3", "Encodings are written '8UC3'"),
        ("", "must say how its pixels are stored"),
        ("nv24", "Set the camera's driver"),
    ],
)
def test_what_cannot_be_converted_has_a_remedy_that_works(encoding, remedy):
    with pytest.raises(FrameError, match=remedy):
        convert(encoding, BGR)


@pytest.mark.parametrize("encoding", [name for name, layout in pixels.ENCODINGS.items() if layout.even_width])
def test_colours_that_neighbours_share_need_even_sizes(encoding):
    with pytest.raises(FrameError, match="even sizes"):
        pixels.to_bgr(np.zeros(1000, np.uint8), encoding, 4, 3, 20)


def test_a_plane_that_is_missing_is_seen():
    with pytest.raises(FrameError, match="expected 24 rows of 16"):
        pixels.to_bgr(np.zeros(16 * 16, np.uint8), "nv21", 16, 16, 16)
