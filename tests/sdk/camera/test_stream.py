"""A real RTSP stream over loopback, whose server dies, comes back, and hangs."""

import logging
import signal
import threading
import time

import pytest

from isfp import CameraError
from isfp.camera import camera
from tests.sdk.camera.rtsp import free_port, serve

BLUE, RED = 0, 2  # channels


@pytest.fixture(scope="module")
def port():
    return free_port()


def next_frame_of(opened, channel, within=30.0):
    """Read until a frame's brightest channel is this one."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        frame = opened.read(within)
        if frame.mean(axis=(0, 1)).argmax() == channel:
            return frame
    raise AssertionError(f"no frame of the colour came within {within} s")


def read_till_silent(opened, seconds):
    while opened.read(seconds) is not None:  # what was under way
        pass


def test_a_stream_whose_server_dies_and_comes_back_goes_on(port, caplog):
    caplog.set_level(logging.INFO, "isfp.camera")
    uri = f"rtsp://127.0.0.1:{port}/camera"
    with serve(port, "red") as first, camera.open(uri) as opened:
        assert opened.live
        assert next_frame_of(opened, RED).shape == (128, 160, 3)
        first.kill()
        first.wait()
        with pytest.raises(CameraError, match=r"gave no frame for 1\.5 s"):
            read_till_silent(opened, 1.5)
        with serve(port, "blue"):
            next_frame_of(opened, BLUE)
            assert opened.reconnects >= 1
            closing = time.monotonic()
            opened.close()
            assert time.monotonic() - closing < 5
    messages = [record.getMessage() for record in caplog.records]
    assert any("is lost; trying again in 0.5 s" in message for message in messages)
    assert any("is back after" in message for message in messages)
    assert not any(thread.name.startswith("camera") for thread in threading.enumerate())


def test_a_stream_whose_server_hangs_is_opened_anew_once_it_moves_again(port):
    with serve(port, "red") as server, camera.open(f"rtsp://127.0.0.1:{port}/camera") as opened:
        next_frame_of(opened, RED)
        server.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(CameraError, match="gave no frame"):
                read_till_silent(opened, 6)  # a stream that says nothing for 5 s is given up
        finally:
            server.send_signal(signal.SIGCONT)
        next_frame_of(opened, RED)
        assert opened.reconnects >= 1


def test_a_slow_reader_of_a_stream_finds_one_frame_waiting_and_no_queue(port):
    with serve(port, "red") as server, camera.open(f"rtsp://127.0.0.1:{port}/camera") as opened:
        next_frame_of(opened, RED)
        time.sleep(1)  # 20 frames come meanwhile
        server.kill()
        time.sleep(0.3)  # what was under way has arrived
        assert opened.read(0) is not None
        with pytest.raises(CameraError, match="gave no frame for 0 s"):
            opened.read(0)


def test_a_source_that_stays_away_is_given_up_when_patience_ends(port):
    with serve(port, "red") as server, camera.open(f"rtsp://127.0.0.1:{port}/camera", patience=2) as opened:
        next_frame_of(opened, RED)
        server.kill()
        with pytest.raises(CameraError, match=r"gave no frame for 2 s; expected one\. Since then: .* cannot be opened"):
            for _ in opened:
                pass


def test_errors_and_logs_show_no_password(port, caplog):
    uri = f"rtsp://robot:sesame@127.0.0.1:{port}/camera"
    with pytest.raises(CameraError) as caught:
        camera.open(uri)
    assert "sesame" not in str(caught.value)
    with serve(port, "red") as server, camera.open(uri) as opened:
        next_frame_of(opened, RED)
        server.kill()
        with pytest.raises(CameraError):
            read_till_silent(opened, 1)
    assert "sesame" not in caplog.text
    assert "sesame" not in opened.name
