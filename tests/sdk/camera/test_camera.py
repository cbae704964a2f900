import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from isfp import CameraError, FrameError
from isfp.camera import camera
from isfp.camera.camera import Camera
from isfp.camera.sources import Source, source_of


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Twenty frames, each brighter than the one before it."""
    path = tmp_path_factory.mktemp("video") / "twenty.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), number * 10, np.uint8))
    writer.release()
    return path


def as_live(path, connect=None):
    """The same frames, taken for those of a camera: they come by themselves."""
    source = source_of(path)
    return Source(source.name, True, connect or source.connect)


def camera_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("camera")]


def test_a_video_gives_every_frame_in_order_to_a_slow_reader(video):
    with camera.open(video) as opened:
        brightness = []
        for frame in opened:
            brightness.append(frame.mean())
            time.sleep(0.005)
    assert not opened.live
    assert len(brightness) == 20
    np.testing.assert_allclose(brightness, np.arange(20) * 10, atol=3)
    assert opened.frames_per_second == pytest.approx(25)


def test_a_file_uri_is_the_file(video):
    with camera.open(video.as_uri()) as opened:
        assert len(list(opened)) == 20


def test_a_name_with_an_exclamation_mark_is_no_pipeline_where_it_exists(video, tmp_path):
    folder = tmp_path / "wow!"
    folder.mkdir()
    shutil.copy(video, folder / "seen!.avi")
    assert not source_of(folder).live
    assert not source_of(folder / "seen!.avi").live


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm here")
def test_a_file_below_dev_is_no_device(video):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        assert not source_of(shutil.copy(video, folder)).live


@pytest.mark.parametrize(("said", "taken"), [(25.0, 25.0), (0.0, 30.0), (90_000.0, 30.0), (float("nan"), 30.0)])
def test_a_rate_that_cannot_be_is_taken_for_the_usual_one(monkeypatch, video, said, taken):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Mock(get=lambda _: said, set=lambda *_: False))
    assert source_of(video).connect().frames_per_second == taken


def as_held(video, degrees):
    """Write into an .mp4 how the phone was held: the rotation, clockwise, by which its frames become upright."""
    content = bytearray(video.read_bytes())
    matrix = content.index(b"tkhd") + 44  # ISO/IEC 14496-12, TrackHeaderBox of version 0
    assert struct.unpack(">9i", content[matrix : matrix + 36]) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    turn = [cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30]
    content[matrix : matrix + 36] = struct.pack(">9i", *turn)
    video.write_bytes(content)


@pytest.mark.parametrize(
    ("degrees", "size", "corner"),
    [(0, (48, 64), (0, 0)), (90, (64, 48), (0, -1)), (180, (48, 64), (-1, -1)), (270, (64, 48), (-1, 0))],
)
def test_a_video_of_a_phone_is_upright_with_every_version_of_opencv(tmp_path, degrees, size, corner):
    scene = np.zeros((48, 64, 3), np.uint8)
    scene[:16, :16] = 255  # the top left
    writer = cv2.VideoWriter(str(tmp_path / "a.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for _ in range(3):
        writer.write(scene)
    writer.release()
    as_held(tmp_path / "a.mp4", degrees)
    with camera.open(tmp_path / "a.mp4") as opened:
        frames = list(opened)
    assert [frame.shape[:2] for frame in frames] == [size] * 3
    bright = frames[0].min(axis=2) > 128
    assert [place for place in ((0, 0), (0, -1), (-1, -1), (-1, 0)) if bright[place]] == [corner]


def test_a_folder_gives_its_pictures_by_name_each_at_its_own_size(tmp_path):
    for name, size in (("b.png", (20, 30)), ("a.JPG", (40, 50)), ("c.webp", (60, 70))):
        cv2.imwrite(str(tmp_path / name), np.zeros((*size, 3), np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    with camera.open(tmp_path) as opened:
        assert [frame.shape[:2] for frame in opened] == [(40, 50), (20, 30), (60, 70)]
        assert not opened.live


def test_a_picture_is_one_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30, 3), 7, np.uint8))
    with camera.open(tmp_path / "a.png") as opened:
        assert [int(frame.mean()) for frame in opened] == [7]


def test_a_broken_picture_in_a_folder_is_named_and_the_others_are_given(tmp_path, caplog):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "b.png").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "c.png"), np.zeros((20, 30, 3), np.uint8))
    with camera.open(tmp_path) as opened:
        assert len(list(opened)) == 2
        assert list(opened.unreadable) == [str(tmp_path / "b.png")]
    assert "b.png is not a picture" in caplog.text


def test_a_source_of_which_no_picture_can_be_read_is_an_error(tmp_path):
    (tmp_path / "b.png").write_bytes(b"no picture")
    for source in (tmp_path, tmp_path / "b.png"):
        with camera.open(source) as opened, pytest.raises(FrameError, match=r"b\.png is not a picture"):
            opened.read()


def test_pictures_come_in_natural_order_and_what_is_passed_over_is_said(tmp_path, caplog):
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), np.full((20, 30, 3), number, np.uint8))
    (tmp_path / "._frame1.png").write_bytes(b"of macOS")
    (tmp_path / "photo.heic").write_bytes(b"x")
    with camera.open(tmp_path) as opened:
        assert [int(frame[0, 0, 0]) for frame in opened] == [1, 2, 10]
    assert "1 file that looks like a picture is of a kind that is not read (.heic): photo.heic" in caplog.text


def test_what_exists_or_is_a_path_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0001").mkdir()
    cv2.imwrite(str(tmp_path / "0001" / "a.png"), np.zeros((20, 30, 3), np.uint8))
    assert not source_of("0001").live
    assert source_of("7").live
    with pytest.raises(CameraError, match="'7' does not exist"):
        source_of(Path("7"))


def test_a_video_whose_name_is_not_utf8_is_refused(video, tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.avi"
    try:
        shutil.copy(os.fsencode(video), path)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(CameraError, match=r"caf\\xe9.avi is not UTF-8"):
        camera.open(os.fsdecode(path))


SECRETS = [
    "rtsp://admin:hunter2@127.0.0.1:1/live",
    "rtsp://admin:hun ter2@127.0.0.1:1/live",
    "rtsp://admin:hun/ter2@127.0.0.1:1/live",
    "rtsp://admin:h!hunter2@127.0.0.1:1/live",
    "rtsp://127.0.0.1:1/live?user=admin&pwd=hunter2",
    "http://127.0.0.1:1/live.mjpg?token=hunter2",
    "http://127.0.0.1:1/live;key=hunter2#hunter2",
    "rtsp://127.0.0.1:1/user=admin&password=hunter2&channel=1.sdp",
    "rtmp://127.0.0.1:1/live/hunter2-9f1c",
    "rtsp://127.0.0.1:1/live?to=me@hunter2",
    "rtspsrc location=rtsp://127.0.0.1:1/live user-id=admin user-pw=hunter2 ! decodebin ! appsink",
    'rtspsrc user-pw="a ! hunter2 ! b" location=rtsp://127.0.0.1:1/live ! appsink',
]


@pytest.mark.parametrize("uri", SECRETS)
def test_nothing_that_may_be_a_secret_is_shown(uri):
    shown = source_of(uri).name
    assert "ter2" not in shown
    assert "admin" not in shown
    assert "127.0.0.1:1" in shown or shown.startswith(("rtspsrc ", "rtsp://..."))


@pytest.mark.parametrize("uri", [SECRETS[0], SECRETS[4], SECRETS[5], SECRETS[10]])
def test_nothing_that_may_be_a_secret_is_printed_when_a_source_fails(uri, capfd, caplog):
    with pytest.raises(CameraError) as raised:
        camera.open(uri, patience=20)
    out, err = capfd.readouterr()
    assert "hunter2" not in str(raised.value) + caplog.text + out + err


@pytest.mark.parametrize("text", ["admin:hunter2@127.0.0.1/live", "rtsp:/admin:hunter2@127.0.0.1/live", "127.0.0.1?pwd=hunter2"])
def test_an_address_that_was_mistyped_is_not_shown_either(text):
    with pytest.raises(CameraError, match="does not exist") as raised:
        source_of(text)
    assert "hunter2" not in str(raised.value)


def test_a_folder_without_pictures_says_what_is_expected(tmp_path):
    with pytest.raises(CameraError, match=r"holds no pictures; expected files that end in \.bmp"):
        camera.open(tmp_path)


def test_a_live_source_gives_the_latest_frame_and_is_opened_anew_when_it_fails(video):
    failed, repaired = threading.Event(), threading.Event()

    def connect():
        if failed.is_set():
            repaired.wait(10)
        reader = source_of(video).connect()
        release = reader.release
        reader.release = lambda: (release(), failed.set())
        return reader

    with Camera(as_live(video, connect)) as opened:
        failed.wait(10)  # all twenty have come, and nobody asked
        assert opened.read().mean() == pytest.approx(190, abs=3)
        assert opened.reconnects == 0
        repaired.set()
        assert opened.read(10) is not None
        assert opened.reconnects == 1


def test_waits_between_tries_double_until_a_frame_comes(video, monkeypatch):
    monkeypatch.setattr(camera, "_FIRST_WAIT", 0.1)
    tries, open_video = [], source_of(video).connect

    def connect():
        tries.append(time.monotonic())
        if 1 < len(tries) < 5:
            raise CameraError("away")
        return open_video()

    with Camera(as_live(video, connect)) as opened:
        while len(tries) < 6:
            opened.read(10)
    waits = np.diff(tries)
    assert waits[1] >= 0.2
    assert waits[2] >= 0.4
    assert waits[3] >= 0.8
    assert waits[4] < 0.8  # after it had come back, from the start


def test_closing_ends_reading_in_another_thread_and_can_be_done_again(video):
    opened = Camera(as_live(video))
    frames = []
    reader = threading.Thread(target=lambda: frames.extend(opened))
    reader.start()
    time.sleep(0.3)
    opened.close()
    reader.join(2)
    assert not reader.is_alive()
    assert opened.read() is None or frames == []  # the last frame, where nobody took it; no error
    opened.close()
    assert not camera_threads()


def test_closing_does_not_wait_for_the_next_try(video, monkeypatch):
    monkeypatch.setattr(camera, "_FIRST_WAIT", 60)
    opened = Camera(as_live(video))
    time.sleep(0.3)
    start = time.monotonic()
    opened.close()
    assert time.monotonic() - start < 5


def test_a_source_that_hangs_as_it_opens_is_given_up_and_freed_should_it_open_after_all(video):
    released, opening = threading.Event(), threading.Event()

    def connect():
        opening.wait(10)
        reader = source_of(video).connect()
        reader.release = released.set
        return reader

    with pytest.raises(CameraError, match=r"did not open within 0\.2 s"):
        Camera(as_live(video, connect), patience=0.2)
    opening.set()
    assert released.wait(5)


def test_a_program_that_forgets_to_close_ends_cleanly(video):
    code = f"from isfp import camera; opened = camera.open({str(video)!r}); opened.read()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("uri", ["nowhere.mp4", "/dev/video77", "", 98, "98", "rtsp://127.0.0.1:1/nothing"])
def test_a_source_that_cannot_be_opened_says_what_to_check(uri):
    with pytest.raises(CameraError, match=r"does not exist|cannot be opened\. Check"):
        camera.open(uri)


@pytest.mark.parametrize("name", ["x.mp4", "x"])
def test_a_file_that_is_no_video_says_what_to_check(tmp_path, name):
    (tmp_path / name).write_bytes(b"no video")
    with pytest.raises(CameraError, match="codec"):
        camera.open(tmp_path / name)


def test_a_video_without_frames_is_an_error(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "empty.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    writer.release()
    with (
        pytest.raises(CameraError, match=r"no frame that this OpenCV decodes|cannot be opened"),
        camera.open(tmp_path / "empty.avi") as c,
    ):
        c.read()
