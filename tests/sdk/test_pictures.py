"""What is read from a picture file is the same with every version of OpenCV that is allowed."""

import os
import struct
import zlib

import cv2
import numpy as np
import pytest

from isfp import FrameError, WriteError, pictures
from tests.sdk import picture_files as files

SCENE = np.zeros((32, 64, 3), np.uint8)
SCENE[:16, :16] = 255  # the picture's top left
SCENE[:8, 16:48] = (0, 0, 255)  # and beside it, so that mirrored pictures differ
#: What is to be seen, by the EXIF orientation of a file that holds SCENE (EXIF 2.32, tag 274).
UPRIGHT = {
    1: SCENE,
    2: SCENE[:, ::-1],
    3: SCENE[::-1, ::-1],
    4: SCENE[::-1],
    5: SCENE.transpose(1, 0, 2),
    6: np.rot90(SCENE, -1),
    7: SCENE[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(SCENE),
}
KINDS = {
    "jpeg": files.jpeg,
    "jpeg, little endian": lambda picture, value: files.jpeg(picture, value, "<"),
    "png": files.png,
    "png, at the end": lambda picture, value: files.png(picture, value, after_pixels=True),
    "webp": files.webp,
    "webp, as JPEG has it": lambda picture, value: files.webp(picture, value, b"Exif\0\0"),
    "tiff": files.tiff,
    "tiff, big endian": lambda picture, value: files.tiff(picture, value, ">"),
}


@pytest.mark.parametrize("value", UPRIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_turned_upright_as_its_exif_data_says(tmp_path, kind, value):
    (tmp_path / "a.jpg").write_bytes(KINDS[kind](SCENE, value))
    frame = pictures.read(tmp_path / "a.jpg")
    assert frame.shape == UPRIGHT[value].shape
    assert frame.flags.c_contiguous
    assert np.abs(frame.astype(int) - UPRIGHT[value]).mean() < (6 if kind.startswith("jpeg") else 0.01)


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_upright(value):
    assert (pictures.decode(files.png(SCENE, value), "a") == SCENE).all()


def test_exif_data_that_is_damaged_is_upright():
    for block in (b"", b"MM\0*", b"MM\0*\xff\xff\xff\xff", files.exif(6)[:20], b"II*\0\x08\0\0\0\xff\xff" + b"\x12\1\3\0" * 9):
        chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
        plain = cv2.imencode(".png", SCENE)[1].tobytes()
        assert pictures.decode(plain[:33] + chunk + plain[33:], "a").shape == SCENE.shape


@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "png", "webp", "tiff", "bmp"])
def test_a_file_that_is_cut_short_is_not_read(kind):
    scene = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1] if kind == "progressive jpeg" else []
    content = cv2.imencode(f".{kind.split()[-1]}", scene, options)[1].tobytes()
    assert pictures.decode(content, "whole").shape == scene.shape
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(FrameError, match="cut is not a picture that OpenCV can read"):
            pictures.decode(content[: int(share * len(content))], "cut")


def test_a_jpeg_with_a_preview_inside_and_more_behind_it_is_read_until_its_own_end():
    preview, whole = (cv2.imencode(".jpg", picture)[1].tobytes() for picture in (SCENE[:8, :8], SCENE))
    with_preview = whole[:2] + b"\xff\xe2" + struct.pack(">H", len(preview) + 2) + preview + whole[2:]
    assert pictures.decode(with_preview + b"a phone's own data" + preview, "whole").shape == SCENE.shape
    with pytest.raises(FrameError, match="cut short"):
        pictures.decode(with_preview[:-60], "cut in spite of the preview's end")


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0 ftypavif", "AVIF"),
        (b"\0\0\0 ftypheic", "HEIC"),
        (b"GIF89a", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\x12", "animated WebP"),
    ],
)
def test_a_kind_that_only_some_versions_of_opencv_read_is_refused_by_name(tmp_path, start, kind):
    (tmp_path / "a.jpg").write_bytes(start + bytes(200))
    with pytest.raises(FrameError, match=rf"a\.jpg is {kind}, which is not read; expected JPEG, PNG, BMP, TIFF or WebP\."):
        pictures.read(tmp_path / "a.jpg")


def test_transparency_is_read_where_it_is_asked_for(tmp_path):
    rgba = np.dstack([SCENE, np.full(SCENE.shape[:2], 99, np.uint8)])
    cv2.imwrite(str(tmp_path / "a.png"), rgba)
    cv2.imwrite(str(tmp_path / "b.png"), SCENE)
    cv2.imwrite(str(tmp_path / "c.png"), rgba.astype(np.uint16) * 257)
    assert (pictures.read(tmp_path / "a.png", alpha=True) == rgba).all()
    assert (pictures.decode(files.png(rgba, 6), "d", alpha=True) == np.rot90(rgba, -1)).all()
    for name in ("a.png", "b.png", "c.png"):
        assert (pictures.read(tmp_path / name, alpha=name != "a.png") == SCENE).all()


def test_a_name_that_is_not_utf8_is_read_and_written(tmp_path):
    path = os.path.join(os.fsdecode(os.fsencode(tmp_path)), os.fsdecode(b"caf\xe9.png"))
    try:
        open(path, "wb").close()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    pictures.write(path, np.full((4, 5, 3), 7, np.uint8))
    assert pictures.read(path).shape == (4, 5, 3)


def test_what_cannot_be_read_or_written_is_a_typed_error(tmp_path):
    for name in ("none.png", "nul\0.png", ""):
        with pytest.raises(FrameError, match="cannot be read"):
            pictures.read(tmp_path / name)
    for name in ("a.gif", "a", os.fsdecode(b"a.\xe9")):
        with pytest.raises(WriteError, match="expected .png or .jpg"):
            pictures.write(tmp_path / name, np.zeros((4, 5, 3), np.uint8))


@pytest.mark.parametrize("path", [None, b"a.png", 3, 1.5, []])
def test_a_picture_s_path_is_text_or_a_path(path):
    with pytest.raises(FrameError, match="path is of the type .*; expected text or a Path"):
        pictures.read(path)
    with pytest.raises(WriteError, match="path to write to is of the type .*; expected text or a Path"):
        pictures.write(path, SCENE)


@pytest.mark.parametrize("content", ["text", None, 3, np.zeros(9, np.uint8), memoryview(b"a")])
def test_what_is_decoded_is_bytes(content):
    with pytest.raises(FrameError, match="What was sent is of the type .*; expected a picture file's content as bytes"):
        pictures.decode(content, "What was sent")


@pytest.mark.parametrize("picture", [None, "x", [[[1, 2, 3]]], SCENE.astype(np.float32), SCENE.astype(np.uint16), SCENE[:0]])
def test_what_is_written_is_a_picture(tmp_path, picture):
    with pytest.raises(WriteError, match=r"is to be written as .* is .*; expected a picture, uint8 \[h,w,3\]"):
        pictures.write(tmp_path / "a.png", picture)
    assert not list(tmp_path.iterdir())
