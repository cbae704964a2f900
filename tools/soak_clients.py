"""Clients of `isfp serve` for the soak: some behave, others send broken pictures, send too little, or leave."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable

import numpy as np

import soak_pictures

PAUSE = 0.05  # seconds between two requests of one client
BUSY = {429, 503}  # answers that any request may get


class Clients:
    """Threads that ask the page until they are stopped.

    Attributes:
        counted: requests by kind.
        unexpected: answers that do not fit their request, and answers that never came; the first hundred.
    """

    def __init__(self, host: str, port: int, threads: int) -> None:
        self.counted: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._address = host, port
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=[np.random.default_rng(seed)]) for seed in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop asking, and wait for the last answers."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, rng: np.random.Generator) -> None:
        good, odd, corrupt = soak_pictures.good, soak_pictures.odd, soak_pictures.corrupt
        present, absent = soak_pictures.PRESENT, soak_pictures.ABSENT
        kinds: list[tuple[str, Callable[[], int | None], set[int]]] = [
            ("a picture", lambda: self._ask(good(rng), present[0]), {200}),
            ("a phrase that is absent", lambda: self._ask(good(rng), absent[int(rng.integers(len(absent)))]), {200}),
            ("a picture of an odd size", lambda: self._ask(odd(rng), present[1]), {200}),
            ("a corrupt picture", lambda: self._ask(corrupt(rng), present[0]), {400}),
            ("no words", lambda: self._ask(good(rng), "?!"), {400}),
            ("more candidates than allowed", lambda: self._ask(good(rng), present[0], 99), {400}),
            ("a file that is no picture", lambda: self._ask(b"{}", present[0], kind="application/json"), {415}),
            ("a file that is too large", lambda: self._ask(bytes(13_000_000), present[0]), {413}),
            ("an upload that breaks off", lambda: self._leave(good(rng), present[0], half=True), set()),
            ("a client that leaves", lambda: self._leave(good(rng), present[0], half=False), set()),
            ("the page itself", lambda: self._get("/"), {200}),
        ]
        chances = np.array([8, 2, 2, 2, 1, 1, 1, 0.2, 2, 2, 1])
        while not self._stopped.wait(PAUSE):
            name, request, expected = kinds[int(rng.choice(len(kinds), p=chances / chances.sum()))]
            try:
                status = request()
            except (OSError, http.client.HTTPException) as error:
                # The server may refuse a file that is too large before it was sent whole.
                status = 413 if 413 in expected and isinstance(error, BrokenPipeError | ConnectionResetError) else None
                if status is None:
                    self._note(name, f"{name}: {error!r}")
                    continue
            fits = status in expected | BUSY or (status is None and not expected)
            self._note(name, "" if fits else f"{name}: {status}")

    def _note(self, name: str, unexpected: str) -> None:
        with self._lock:
            self.counted[name] += 1
            if unexpected and len(self.unexpected) < 100:
                self.unexpected.append(unexpected)

    def _ask(self, content: bytes, phrase: str, candidates: int = 2, kind: str = "image/jpeg") -> int:
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            connection.request("POST", _path(phrase, candidates), content, {"Content-Type": kind})
            answer = connection.getresponse()
            body = json.loads(answer.read())
            assert isinstance(body, dict)
            return answer.status
        finally:
            connection.close()

    def _get(self, path: str) -> int:
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def _leave(self, content: bytes, phrase: str, half: bool) -> None:
        """Send a picture, or half of it, and close the connection the hard way."""
        with socket.create_connection(self._address, timeout=60) as connection:
            head = f"POST {_path(phrase, 0)} HTTP/1.1\r\nHost: {self._address[0]}\r\nContent-Type: image/jpeg\r\n"
            connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode("ascii"))
            connection.sendall(content[: len(content) // 2] if half else content)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _path(phrase: str, candidates: int) -> str:
    return f"/api/find?{urllib.parse.urlencode({'phrase': phrase, 'candidates': candidates})}"
