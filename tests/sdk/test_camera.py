import threading
import time

import cv2
import numpy as np
import pytest

from isfp.camera import Camera, has_gstreamer
from isfp.errors import CameraError


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Twenty frames, each brighter than the one before it."""
    path = tmp_path_factory.mktemp("video") / "twenty.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), number * 10, np.uint8))
    writer.release()
    return path


def test_a_file_gives_every_frame_in_order_to_a_slow_reader(video):
    with Camera(video) as camera:
        brightness = []
        for frame in camera:
            brightness.append(frame.mean())
            time.sleep(0.005)
    assert not camera.live
    assert len(brightness) == 20
    np.testing.assert_allclose(brightness, np.arange(20) * 10, atol=3)
    assert camera.frames_per_second == pytest.approx(25)


def test_a_live_source_gives_the_latest_frame(video, monkeypatch):
    monkeypatch.setattr("pathlib.Path.is_file", lambda _: False)  # the same file, taken for a stream
    with Camera(video) as camera:
        assert camera.live
        camera._reader.join(5)
        frame = camera.read()
    assert frame.mean() == pytest.approx(190, abs=3)


def test_closing_stops_the_thread_and_can_be_done_again(video):
    camera = Camera(video)
    camera.read()
    camera.close()
    camera.close()
    assert not any(thread.name.startswith("camera") for thread in threading.enumerate())


@pytest.mark.parametrize("uri", ["nowhere.mp4", "/dev/video77", "", "987"])
def test_a_source_that_cannot_be_opened_says_what_to_check(uri):
    with pytest.raises(CameraError, match=r"does not exist; expected|cannot be opened\. Check"):
        Camera(uri)


def test_a_file_that_is_no_video_says_what_to_check(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"no video")
    with pytest.raises(CameraError, match="codec"):
        Camera(tmp_path / "x.mp4")


@pytest.mark.skipif(has_gstreamer(), reason="this OpenCV has GStreamer")
@pytest.mark.parametrize("uri", ["csi://0", "videotestsrc ! appsink"])
def test_without_gstreamer_a_pipeline_says_how_to_get_it(uri):
    with pytest.raises(CameraError, match=r"needs GStreamer.*--system-site-packages"):
        Camera(uri)
