"""The camera sample as a person uses it: a real window, real keys, a real RTSP camera."""

import os
import shutil
import subprocess
import sys
import time

import cv2
import pytest

from tests.paths import ROOT
from tests.sdk.camera.rtsp import free_port, serve

SAMPLE = ROOT / "samples" / "camera.py"

pytestmark = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="no Xvfb and xdotool here: apt install xvfb xdotool"
)


@pytest.fixture
def screen():
    """A desktop without a monitor; gives the environment that programs on it need."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as display:
        number = display.readline().strip()
    yield {**os.environ, "DISPLAY": f":{number}"}
    server.terminate()
    server.wait()


def test_a_phrase_typed_into_the_window_is_looked_for_and_what_is_shown_is_recorded(colour_bundle, screen, tmp_path):
    def type_keys(*arguments):
        subprocess.run(["xdotool", *arguments], env=screen, check=True, timeout=30, capture_output=True)

    port, out = free_port(), tmp_path / "out.mp4"
    with serve(port, "red", strip=8):  # one flat colour would have nothing to find
        arguments = [str(colour_bundle), f"rtsp://127.0.0.1:{port}/camera", "green", "--out", str(out)]
        sample = subprocess.Popen(
            [sys.executable, SAMPLE, *arguments],
            env=screen,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            type_keys("search", "--sync", "--name", "^isfp$")
            time.sleep(1)  # its first frames
            type_keys("search", "--name", "^isfp$", "windowfocus")
            for keys in (["x"], ["r", "e", "d", "d"]):  # the first key after a change of focus may be lost
                time.sleep(0.3)
                type_keys("key", "--delay", "60", *keys, "BackSpace")
            type_keys("key", "Return")
            time.sleep(1.5)
            type_keys("key", "Escape")
            printed, errors = sample.communicate(timeout=30)
        finally:
            sample.kill()
    assert sample.returncode == 0, errors
    assert f"Wrote {out}" in printed
    capture = cv2.VideoCapture(str(out))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    first, last = (frame[64:].mean(axis=(0, 1)) for frame in (frames[0], frames[-1]))
    assert first[2] > 200  # nothing green there: the picture as it came, all red
    assert last[2] < first[2] - 40 or last[0] > first[0] + 10  # "red" was found: tinted
    assert len(frames) > 20
