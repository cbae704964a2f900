"""GStreamer pipelines: refused with advice where OpenCV lacks GStreamer, run for real by the system's OpenCV where there is one."""

import subprocess
from pathlib import Path

import pytest

from isfp import CameraError
from isfp.camera import camera, sources
from tests.paths import ROOT

SDK = ROOT / "sdk"
PYTHON = "/usr/bin/python3"  # the system's, whose OpenCV has GStreamer where PyPI's has not


@pytest.fixture(scope="module")
def system_python():
    """A run of code by the system's Python with its own OpenCV."""
    probe = "import cv2, numpy; assert 'GStreamer:                   YES' in cv2.getBuildInformation()"
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", probe], capture_output=True, timeout=60).returncode:
        pytest.skip(f"{PYTHON} has no OpenCV with GStreamer: apt install python3-opencv")

    def run(code):
        environment = {"PYTHONPATH": str(SDK), "PATH": "/usr/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.skipif(sources.has_gstreamer(), reason="this OpenCV has GStreamer")
@pytest.mark.parametrize("uri", ["csi://0", "videotestsrc ! appsink"])
def test_without_gstreamer_a_pipeline_says_how_to_get_it(uri):
    with pytest.raises(CameraError, match=r"needs GStreamer.*apt install python3-opencv.*--system-site-packages"):
        camera.open(uri)


@pytest.mark.parametrize("uri", ["csi://", "csi://left"])
def test_a_csi_camera_is_named_by_a_number(uri):
    with pytest.raises(CameraError, match="names no sensor; expected csi:// and a sensor's number"):
        camera.open(uri)


def test_a_pipeline_gives_frames_and_is_started_anew_when_it_ends(system_python):
    out = system_python("""
from isfp import camera
pipeline = "videotestsrc pattern=blue num-buffers=5 ! video/x-raw,format=BGR,width=64,height=48 ! appsink"
with camera.open(pipeline) as opened:
    while opened.reconnects < 1:
        frame = opened.read()
    print(opened.live, frame.shape, frame.mean(axis=(0, 1)).argmax())
""")
    assert out == "True (48, 64, 3) 0\n"


def test_a_pipeline_that_is_wrong_says_what_to_check(system_python):
    out = system_python("""
from isfp import CameraError, camera
try:
    camera.open("nosuchelement ! appsink")
except CameraError as error:
    print(error)
""")
    assert "cannot be opened" in out


def test_a_csi_camera_that_does_not_open_is_given_up(system_python):
    out = system_python("""
from isfp import CameraError, camera
try:
    camera.open("csi://1", patience=2)
except CameraError as error:
    print(error)
""")
    # Where there is no such camera the pipeline fails at once, or, as OpenCV 4.6 takes it, never.
    assert "'csi://1' did not open within 2 s" in out or "'csi://1' cannot be opened" in out
