import time

import cv2
import numpy as np
import pytest

from isfp.camera import Camera
from isfp.camera_recorder import Recorder
from isfp.camera_sources import Source, source_of
from isfp.video_file import VideoFileError

PICTURE = np.full((48, 64, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "one.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    writer.write(PICTURE)
    writer.release()
    return path


def frames_in(path):
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        count += 1
    return count


def test_of_a_file_each_picture_is_written_once(video, tmp_path):
    with Camera(source_of(video)) as source, Recorder(tmp_path / "out.mp4", source) as recorder:
        for _ in range(3):
            recorder.write(PICTURE)
            time.sleep(0.1)
    assert frames_in(tmp_path / "out.mp4") == 3


def test_of_a_live_source_the_recording_lasts_as_long_as_what_it_shows(video, tmp_path):
    live = Source("camera", True, source_of(video).connect)
    with Camera(live) as source, Recorder(tmp_path / "out.mp4", source) as recorder:
        start = time.monotonic()
        for _ in range(3):
            recorder.write(PICTURE)
            time.sleep(0.2)  # slower than the 25 frames a second of the source
        for _ in range(20):
            recorder.write(PICTURE)  # faster
        seconds = time.monotonic() - start
    assert frames_in(tmp_path / "out.mp4") / 25 == pytest.approx(seconds, abs=0.1)


def test_a_recording_is_kept_when_the_block_fails(video, tmp_path):
    with pytest.raises(VideoFileError), Camera(source_of(video)) as source, Recorder(tmp_path / "out.avi", source) as recorder:
        record_two_sizes(recorder)
    assert frames_in(tmp_path / "out.avi") == 1


def record_two_sizes(recorder):
    recorder.write(PICTURE)
    recorder.write(PICTURE[:20])
