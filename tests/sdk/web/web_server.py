"""A real server of the page on a free port of loopback, in a thread of the test's own process."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from isfp.web.app import application
from isfp.web.asker import Asker
from isfp.web.limits import Limits
from isfp.web.server import server


@contextmanager
def serving(bundle: Path, limits: Limits | None = None, send_buffer: int = 0) -> Iterator[str]:
    """Serve a bundle's page; gives its URL. `send_buffer`: bytes that the system keeps for a client; 0 for its own choice."""
    limits = limits or Limits()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if send_buffer:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        page = server(application(Asker(bundle), limits), limits)
        thread = threading.Thread(target=page.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not page.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            page.should_exit = True
            thread.join()


def ask(url: str, content: bytes, phrase: str | list[str] = "red", kind: str = "image/png", **more: object) -> tuple[int, dict]:
    """Post a picture: the status and the JSON that came back."""
    query = urllib.parse.urlencode({"phrase": phrase, **more}, doseq=True)
    request = urllib.request.Request(f"{url}api/find?{query}", content, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def png(frame: np.ndarray) -> bytes:
    return cv2.imencode(".png", frame)[1].tobytes()
