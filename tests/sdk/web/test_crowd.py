"""What many connections, slow ones and those that leave cost the others."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import numpy as np
import pytest

pytest.importorskip("uvicorn", reason='the page needs pip install "isfp[web]"')
from isfp.web.asker import Asker, BusyError
from isfp.web.limits import Limits
from tests.sdk.colour_bundle import picture
from tests.sdk.web.web_server import ask, png, serving

FRAME = picture(("red", (0, 80, 160, 240)), size=(480, 640))

PAGE_REQUEST = b"GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=20)


def answered(connection: socket.socket) -> bytes:
    content = b""
    while chunk := connection.recv(1 << 16):
        content += chunk
    return content


def take_up(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(1 << 16):
            pass


def is_cut_off(connection: socket.socket, content: bytes, pause: float = 0) -> bool:
    """Send something again and again; say whether the connection ends before 15 seconds are over or nothing is taken for 20."""
    start = time.monotonic()
    try:
        while time.monotonic() - start < 15:
            connection.sendall(content)
            time.sleep(pause)
    except ConnectionError:
        return True
    except TimeoutError:
        pass
    return False


def test_an_idle_connection_is_closed_and_so_is_one_whose_headers_trickle_in(colour_bundle):
    with serving(colour_bundle, Limits(header_seconds=0.5)) as url, connect(url) as idle, connect(url) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        start = time.monotonic()
        for connection in (idle, slow):
            assert answered(connection).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - start < 5
        assert ask(url, png(FRAME))[0] == 200


def test_further_bytes_do_not_put_off_the_time_limit(colour_bundle):
    with serving(colour_bundle, Limits(header_seconds=0.5)) as url, connect(url) as slow:
        start = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nX-Long: ")
        try:
            while time.monotonic() - start < 10:
                slow.sendall(b"x")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - start < 8


def test_the_second_request_of_a_connection_has_the_time_limit_too(colour_bundle):
    with serving(colour_bundle, Limits(header_seconds=0.5)) as url, connect(url) as connection:
        connection.sendall(b"GET /api/about HTTP/1.1\r\nHost: localhost\r\n\r\n")
        content = b""
        while b'"grid"' not in content:
            content += connection.recv(1 << 16)
        connection.sendall(b"GET /api/about HTTP/1.1\r\n")
        assert b"408" in answered(connection)


def test_an_upload_that_asks_first_and_is_too_large_is_refused_before_it_comes(colour_bundle):
    with serving(colour_bundle, Limits(header_seconds=0.5)) as url, connect(url) as large:
        headers = b"Host: localhost\r\nContent-Type: image/png\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n"
        large.sendall(b"POST /api/find?phrase=red HTTP/1.1\r\n" + headers)
        assert answered(large).startswith(b"HTTP/1.1 413")


def test_a_client_that_does_not_take_up_its_answers_is_cut_off(colour_bundle):
    with serving(colour_bundle, Limits(seconds=0.5), send_buffer=4096) as url, connect(url) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(PAGE_REQUEST * 500)
        assert is_cut_off(deaf, b"G", pause=0.1)
        assert ask(url, png(FRAME))[0] == 200


def test_a_client_that_sends_requests_far_ahead_is_cut_off_before_they_fill_the_memory(colour_bundle):
    small = b"POST /api/find?phrase=red HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\r\nx"
    with serving(colour_bundle) as url, connect(url) as eager:
        reader = threading.Thread(target=take_up, args=(eager,))
        reader.start()
        assert is_cut_off(eager, small * 1000)
        reader.join()
        assert ask(url, png(FRAME))[0] == 200


def test_a_few_requests_ahead_are_answered_in_turn(colour_bundle):
    with serving(colour_bundle, Limits(header_seconds=1)) as url, connect(url) as ahead:
        ahead.sendall(b"GET /api/about HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        assert answered(ahead).count(b'"grid"') == 20


def test_one_address_cannot_take_all_connections_and_is_told(colour_bundle):
    with serving(colour_bundle, Limits(connections_per_address=3)) as url:
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(connect(url))
            time.sleep(0.2)
            status, answer = ask(url, png(FRAME))
            assert status == 503
            assert "3 connections of your address are open" in answer["error"]
            page = stack.enter_context(connect(url))
            page.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            shown = answered(page)
            assert b"503" in shown.splitlines()[0]
            assert b"<title>Busy</title>" in shown
            assert b"Try again in a moment" in shown
        time.sleep(0.2)
        assert ask(url, png(FRAME))[0] == 200


def test_a_full_page_says_so(colour_bundle):
    with serving(colour_bundle, Limits(connections=1)) as url, connect(url):
        time.sleep(0.2)
        status, answer = ask(url, png(FRAME))
    assert status == 503
    assert "The page is busy" in answer["error"]


def test_a_client_that_leaves_in_the_middle_of_its_upload_costs_one_line_of_log(colour_bundle, caplog, capfd):
    with caplog.at_level(logging.INFO), serving(colour_bundle, Limits()) as url:
        with connect(url) as leaving:
            headers = b"Host: localhost\r\nContent-Type: image/png\r\nContent-Length: 99999\r\n\r\n"
            leaving.sendall(b"POST /api/find?phrase=red HTTP/1.1\r\n" + headers + b"x" * 100)
            time.sleep(0.3)
        deadline = time.monotonic() + 10
        while not caplog.messages and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ask(url, png(FRAME))[0] == 200
    assert caplog.messages == ["127.0.0.1 left after 100 bytes of its picture."]
    assert "Traceback" not in capfd.readouterr().err


def test_large_pictures_do_not_hold_up_the_next_request(colour_bundle):
    asker = Asker(colour_bundle, waiting=8, megapixels=20)
    large, small = png(np.zeros((400, 400, 3), np.uint8)), png(FRAME)

    async def all_at_once() -> list:
        requests = [asker.find(large, "red", 0, 16.0) for _ in range(6)]
        return await asyncio.gather(*requests, asker.find(small, "red", 0, 0.3), return_exceptions=True)

    answers = asyncio.run(all_at_once())
    assert [isinstance(answer, BusyError) for answer in answers] == [False, True, True, True, True, True, False]
    assert "16 megapixels; expected at most 20" in str(answers[1])
    assert asyncio.run(asker.find(large, "red", 0, 30.0))["result"]  # alone, any size may come
    asker.close()
