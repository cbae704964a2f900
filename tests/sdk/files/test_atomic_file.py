"""Files that are written completely or not at all."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from isfp import WriteError, pictures
from isfp.camera.video_file import VideoFile, VideoFileError
from isfp.files import atomic_file as atomic
from isfp.files.atomic_file import refuse_input, write_bytes, write_json

PICTURE = np.full((48, 64, 3), 90, np.uint8)


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "new" / "a.bin"
    for content in (b"first", b"second"):
        write_bytes(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_on_a_full_disk_what_stood_there_stays(tmp_path, monkeypatch, step):
    path = tmp_path / "a.png"
    pictures.write(path, PICTURE)
    before = path.read_bytes()
    if step == "write":
        monkeypatch.setattr(Path, "write_bytes", full)
    else:
        monkeypatch.setattr(atomic.os, step, full)
    with pytest.raises(WriteError, match=r"a\.png cannot be written: The disk is full\. Free some space"):
        pictures.write(path, PICTURE + 1)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_read_back_is_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "read_bytes", lambda self: b"rotten")
    with pytest.raises(WriteError, match="other bytes"):
        write_bytes(tmp_path / "a.bin", b"good")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "file/a.png", "x" * 300 + ".png", "folder.png", "nul\0.png"])
def test_a_path_that_cannot_be_written_is_a_typed_error(tmp_path, name):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(WriteError, match="cannot be written"):
        write_bytes(tmp_path / name, b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_is_not_replaced():
    with pytest.raises(WriteError, match="not a regular file"):
        write_bytes("/dev/full", b"x")


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    (tmp_path / "real.json").write_text("1")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_json(tmp_path / "link.json", {"é": 2})
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b'{"\\u00e9": 2}'


def test_an_output_that_is_an_input_by_any_name_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    (tmp_path / "link.png").symlink_to(path)
    os.link(path, tmp_path / "hard.png")
    for out in (path, tmp_path / "link.png", tmp_path / "hard.png", tmp_path / "sub" / ".." / "a.png"):
        (tmp_path / "sub").mkdir(exist_ok=True)
        with pytest.raises(WriteError, match="is an input of this command"):
            refuse_input(out, None, path)
    refuse_input(tmp_path / "other.png", path, None, tmp_path / "nowhere", "nul\0")


def test_a_folder_that_is_replaced_must_not_hold_an_input(tmp_path):
    (tmp_path / "b.isfp" / "sub").mkdir(parents=True)
    inside = tmp_path / "b.isfp" / "sub" / "last.ckpt"
    inside.write_bytes(b"x")
    (tmp_path / "link.isfp").symlink_to(tmp_path / "b.isfp")
    for out in (tmp_path / "b.isfp", tmp_path / "link.isfp"):
        with pytest.raises(WriteError, match="or holds one"):
            refuse_input(out, inside)
    refuse_input(tmp_path / "b.is", inside)
    refuse_input(tmp_path / "other.isfp", inside)


def test_numbers_that_json_does_not_have_become_null(tmp_path):
    value = {"a": [1.5, math.nan, (math.inf, True)], "b": {"c": -math.inf, "d": "NaN"}, "é": None}
    write_json(tmp_path / "a.json", value)
    read = json.loads((tmp_path / "a.json").read_bytes(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert read == {"a": [1.5, None, [None, True]], "b": {"c": None, "d": "NaN"}, "é": None}


def test_leftovers_of_dead_processes_are_removed_and_those_of_live_ones_are_not(tmp_path):
    code = f"""
import time
from isfp.files.pending_file import PendingFile
file = PendingFile({str(tmp_path / "a.mp4")!r})
file.new.write_bytes(b"part")
print("ready", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        (hidden,) = tmp_path.iterdir()
        write_bytes(tmp_path / "a.mp4", b"whole")
        assert hidden.exists(), "its process is alive"
        process.send_signal(signal.SIGKILL)
    write_bytes(tmp_path / "a.mp4", b"whole again")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_video_of_which_frames_are_lost_is_an_error_and_what_stood_there_stays(tmp_path, monkeypatch):
    """OpenCV reports no error on a full disk, so what was written is read back."""
    path = tmp_path / "a.avi"
    path.write_bytes(b"before")
    with pytest.raises(VideoFileError, match="of 10 frames, 7 can be read back"):
        write_with_lost_frames(path, monkeypatch)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def write_with_lost_frames(path, monkeypatch):
    with VideoFile(path, 10) as video:
        video.write(PICTURE)
        real, lost = video._encoder.write, iter([True] * 3)
        monkeypatch.setattr(video._encoder, "write", lambda frame: next(lost, False) or real(frame))
        for _ in range(9):
            video.write(PICTURE)


def test_a_video_stops_before_the_disk_is_full(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"before")
    usage = atomic.shutil.disk_usage(tmp_path)
    with VideoFile(tmp_path / "other.mp4", 10) as video:
        video.write(PICTURE)
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
        with pytest.raises(VideoFileError, match="the disk is full"):
            write_many(video)
    with pytest.raises(VideoFileError, match="the disk is full"), VideoFile(path, 10) as video:
        write_many(video)
    assert path.read_bytes() == b"before"


def write_many(video):
    for _ in range(100):
        video.write(PICTURE)


def test_a_frame_is_shown_at_its_time(tmp_path):
    with VideoFile(tmp_path / "a.avi", 10) as video:
        for seconds, grey in ((5.0, 10), (5.1, 60), (5.11, 200), (5.5, 110), (5.6, 160)):
            video.write(np.full_like(PICTURE, grey), seconds)
    capture, seen = cv2.VideoCapture(str(tmp_path / "a.avi")), []
    while (frame := capture.read()[1]) is not None:
        seen.append(frame.mean())
    assert seen == pytest.approx([10, 60, 200, 200, 200, 110, 160], abs=3)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_sigterm_keeps_a_recording_as_ctrl_c_does(colour_bundle, tmp_path):
    with VideoFile(tmp_path / "in.avi", 25) as video:
        for number in range(3000):
            video.write(np.roll(PICTURE, number, 1))
    out = tmp_path / "out" / "o.avi"
    command = [sys.executable, "-m", "isfp.cli", "run", str(colour_bundle), "--video", str(tmp_path / "in.avi"), "--phrase", "red"]
    with subprocess.Popen([*command, "--out", str(out), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        time.sleep(0)
        _, messages = process.communicate()
    assert process.returncode == 130, messages
    assert [path.name for path in out.parent.iterdir()] == ["o.avi"]
    assert cv2.VideoCapture(str(out)).get(cv2.CAP_PROP_FRAME_COUNT) >= 5
