import os

import cv2
import numpy as np
import pytest

from isfp import FrameError, WriteError, pictures


def with_orientation(jpeg: bytes, value: int) -> bytes:
    """Add an EXIF block that says how the picture is to be turned."""
    entry = bytes([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0])
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x01" + entry + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


@pytest.mark.parametrize(("value", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_a_photo_is_turned_as_its_exif_says(tmp_path, value, corner):
    scene = np.zeros((32, 64, 3), np.uint8)
    scene[:16, :16] = 255
    (tmp_path / "a.jpg").write_bytes(with_orientation(cv2.imencode(".jpg", scene)[1].tobytes(), value))
    frame = pictures.read(tmp_path / "a.jpg")
    assert frame.shape == ((32, 64, 3) if value < 5 else (64, 32, 3))
    assert frame[corner].min() > 200
    assert sum(frame[row, column].min() > 200 for row in (0, -1) for column in (0, -1)) == 1


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
