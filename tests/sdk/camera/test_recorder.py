import sys
import time

import cv2
import numpy as np
import pytest

from isfp.camera.camera import Camera
from isfp.camera.encoders import _opencv_has_h264
from isfp.camera.recorder import VideoRecorder
from isfp.camera.sources import Source, source_of
from isfp.camera.video_file import VideoFileError

PICTURE = np.full((48, 64, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "one.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    writer.write(PICTURE)
    writer.release()
    return path


class FailingWriter:
    """An OpenCV that lacks the codec: nothing is written."""

    fourcc = staticmethod(cv2.VideoWriter.fourcc)

    def __init__(self, *_):
        pass

    def isOpened(self):  # noqa: N802
        return False

    def release(self):
        pass


def frames_in(path):
    return len(brightness_in(path))


def brightness_in(path):
    capture, found = cv2.VideoCapture(str(path)), []
    while (frame := capture.read()[1]) is not None:
        found.append(frame.mean())
    return found


def test_of_a_file_each_picture_is_written_once(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), PICTURE)
    with Camera(source_of(tmp_path)) as source, VideoRecorder(tmp_path / "out.mp4", source) as recorder:
        for frame in source:
            recorder.write(frame)
            time.sleep(0.1)
    assert frames_in(tmp_path / "out.mp4") == 3


def test_of_a_live_source_the_recording_lasts_as_long_as_what_it_shows(video, tmp_path):
    live = Source("camera", True, source_of(video).connect)
    with Camera(live) as source, VideoRecorder(tmp_path / "out.mp4", source) as recorder:
        start = time.monotonic()
        for _ in range(3):
            recorder.write(PICTURE)
            time.sleep(0.2)  # slower than the 25 frames a second of the source
        for _ in range(20):
            recorder.write(PICTURE)  # faster
        seconds = time.monotonic() - start
    assert frames_in(tmp_path / "out.mp4") / 25 == pytest.approx(seconds, abs=0.1)


def test_a_picture_stays_until_the_next_one_comes(video, tmp_path):
    live = Source("camera", True, source_of(video).connect)
    with Camera(live) as source, VideoRecorder(tmp_path / "out.avi", source) as recorder:
        recorder.write(PICTURE)
        time.sleep(0.4)
        recorder.write(PICTURE + 100)
    brightness = brightness_in(tmp_path / "out.avi")
    assert len(brightness) >= 10
    assert brightness[:-1] == pytest.approx([90] * (len(brightness) - 1), abs=3)
    assert brightness[-1] == pytest.approx(190, abs=3)


@pytest.mark.parametrize("live", [True, False])
def test_of_frames_that_were_read_ahead_the_time_is_given(video, tmp_path, live):
    with (
        Camera(Source("camera", live, source_of(video).connect)) as source,
        VideoRecorder(tmp_path / "out.avi", source) as recorder,
    ):
        for number, seconds in enumerate((0, 0.2, 0.4)):
            recorder.write(PICTURE + 50 * number, seconds)
    brightness = brightness_in(tmp_path / "out.avi")
    assert brightness == pytest.approx([90] * 5 + [140] * 5 + [190], abs=3)


def test_what_cannot_be_encoded_is_said_and_leaves_nothing(video, tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "VideoWriter", FailingWriter)
    monkeypatch.setitem(sys.modules, "av", None)
    _opencv_has_h264.cache_clear()
    with (
        Camera(source_of(video)) as source,
        pytest.raises(VideoFileError, match="does not encode .*mp4v"),
        VideoRecorder(tmp_path / "out.mp4", source) as recorder,
    ):
        recorder.write(PICTURE)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_kept_when_the_block_fails(video, tmp_path):
    with pytest.raises(VideoFileError), Camera(source_of(video)) as source, VideoRecorder(tmp_path / "out.avi", source) as recorder:
        record_two_sizes(recorder)
    assert frames_in(tmp_path / "out.avi") == 1


def record_two_sizes(recorder):
    recorder.write(PICTURE)
    recorder.write(PICTURE[:20])
