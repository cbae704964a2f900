"""Starts the RTSP server of `rtsp_server.py`, for tests; where it cannot run here, they skip."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PYTHON = "/usr/bin/python3"  # the system's: the server's libraries come from the system's packages
SERVER = Path(__file__).parent / "rtsp_server.py"


@contextlib.contextmanager
def serve(port: int, colour: str, strip: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Serve rtsp://127.0.0.1:PORT/camera, which sees one colour and a black strip; the process may be killed meanwhile."""
    if not Path(PYTHON).exists():
        pytest.skip(f"no {PYTHON} here, which runs the RTSP server")
    process = subprocess.Popen(
        [PYTHON, SERVER, str(port), colour, str(strip)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    try:
        if process.stdout.readline() != "ready\n":
            why = process.stderr.read().strip().splitlines()
            pytest.skip(f"no RTSP server here (apt install python3-gi gir1.2-gst-rtsp-server-1.0): {why[-1] if why else PYTHON}")
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
