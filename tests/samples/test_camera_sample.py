"""The camera sample without a window."""

import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.paths import ROOT
from tests.sdk.colour_bundle import picture

SAMPLE = ROOT / "samples" / "camera.py"


def run(*arguments, **options):
    command = [sys.executable, SAMPLE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, **options)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A red box that moves to the right for 12 frames."""
    path = tmp_path_factory.mktemp("video") / "box.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    for step in range(12):
        writer.write(picture(("red", (20 + 10 * step, 60, 120 + 10 * step, 160)), size=(240, 320)))
    writer.release()
    return path


def frames_of(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return frames


def test_the_camera_sample_writes_a_video_with_the_thing_painted(colour_bundle, video, tmp_path):
    out = tmp_path / "out.mp4"
    done = run(colour_bundle, video, "the red thing", "--headless", "--out", out, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    frames = frames_of(out)
    assert len(frames) == 12
    plain = frames_of(video)
    assert all(np.abs(a.astype(int) - b).mean() > 2 for a, b in zip(frames, plain, strict=True))
    assert str(out) in done.stdout


def test_the_camera_sample_stops_after_the_frames_asked_for(colour_bundle, video, tmp_path):
    out = tmp_path / "out.mp4"
    arguments = ["the red thing", "--headless", "--out", out, "--frames", 5]
    assert run(colour_bundle, video, *arguments, stdin=subprocess.DEVNULL).returncode == 0
    assert len(frames_of(out)) == 5


@pytest.mark.parametrize(("typed", "found"), [("the red thing\n", True), ("", False), ("the red thing\n!?\n", False)])
def test_the_phrase_can_be_changed_by_typing_while_the_camera_sample_runs(colour_bundle, video, tmp_path, typed, found):
    out = tmp_path / "out.mp4"
    done = run(colour_bundle, video, "green", "--headless", "--out", out, input=typed)
    assert done.returncode == 0, done.stderr
    assert ("no word" in done.stderr) == ("!?" in typed)
    foot = frames_of(out)[-1][225:235, 5:60]  # where "not there" stands, white on dark
    assert ((foot.max(axis=2) < 60).mean() < 0.1) == found


def test_the_camera_sample_refuses_a_first_phrase_without_words(colour_bundle, video):
    done = run(colour_bundle, video, "?!", "--headless", stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "has no words" in done.stderr


def test_the_camera_sample_says_what_is_wrong_with_its_source(colour_bundle):
    done = run(colour_bundle, "nowhere.mp4", "red", "--headless", stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert done.stderr.startswith("camera: 'nowhere.mp4' does not exist")


def test_the_camera_sample_says_phrase_score_and_milliseconds_of_each_frame_and_needs_no_recording(colour_bundle, tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(("blue", (20, 60, 120, 160)), size=(240, 320)))
    done = run(colour_bundle, tmp_path, "blue", "--headless", stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all(re.fullmatch(r"blue: found, \d\.\d\d, \d+ ms", line) for line in lines)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".png"] * 3


def test_the_camera_sample_says_what_is_wrong_with_its_recording(colour_bundle, video, tmp_path):
    done = run(colour_bundle, video, "red", "--headless", "--out", tmp_path / "out.txt", stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "expected .mp4 or .avi" in done.stderr


def test_without_a_display_the_camera_sample_says_so_before_the_work(colour_bundle, video):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = run("none.isfp", video, "red", stdin=subprocess.DEVNULL, env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("camera: There is no display here")
    assert "--headless" in done.stderr
    for_nobody = run("none.isfp", video, "red", stdin=subprocess.DEVNULL, env={**environment, "DISPLAY": ":987"})
    assert (for_nobody.returncode, for_nobody.stderr[:8]) == (1, "camera: ")


def test_a_camera_sample_that_is_ended_by_sigterm_keeps_its_recording(colour_bundle, tmp_path):
    for number in range(400):
        cv2.imwrite(str(tmp_path / f"{number}.bmp"), picture(("red", (20, 60, 120, 160)), size=(240, 320)))
    out = tmp_path / "out" / "seen.avi"
    command = [sys.executable, SAMPLE, str(colour_bundle), str(tmp_path), "red", "--headless", "--out", str(out)]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        for _ in range(3):
            process.stdout.readline()
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode != 0, errors
    assert [path.name for path in out.parent.iterdir()] == ["seen.avi"]
    assert len(frames_of(out)) >= 3
