import asyncio
import io
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest

from isfp import Segmenter
from isfp.cli import main as cli
from tests.sdk.colour_bundle import picture

pytest.importorskip("uvicorn", reason='the page needs pip install "isfp[web]"')
from PIL import Image

from isfp.web.app import PAGE
from isfp.web.asker import Asker, BusyError
from isfp.web.limits import Limits
from tests.sdk.web.web_server import ask, png, serving

# The 4 x 4 cells are 160 pixels wide, and start at -80 from the top.
FRAME = picture(("red", (0, 80, 160, 240)), ("red", (480, 100, 640, 220)), ("blue", (320, 240, 480, 400)), size=(480, 640))


@pytest.fixture(scope="module")
def url(colour_bundle):
    with serving(colour_bundle, Limits(megabytes=2, megapixels=4, per_second=1000)) as url:
        yield url


def test_the_page_gets_what_the_segmenter_finds(url, colour_bundle):
    status, answer = ask(url, png(FRAME), "the blue thing", candidates=3)
    with Segmenter(colour_bundle) as segmenter:
        expected = segmenter.run(FRAME, "the blue thing")
    assert status == 200
    assert answer["result"]["mask"] == expected.to_json()["mask"]
    assert answer["result"]["box"] == [320, 240, 480, 400]
    assert answer["identifying_map"] == expected.identifying_map.round(4).tolist()
    assert answer["map_box"] == [0, -80, 640, 560]  # the square view around a frame of 640 x 480
    assert {"image", "text", "identify", "mask", "total"} <= answer["result"]["milliseconds"].keys()


def test_the_mask_comes_whatever_the_score_so_that_the_page_can_move_its_threshold(url):
    _, answer = ask(url, png(FRAME), "green")
    assert answer["result"]["score"] < 0.5
    assert answer["result"]["mask"]["size"] == [480, 640]


def test_candidates_are_the_different_things_best_first(url):
    _, answer = ask(url, png(FRAME), "red", candidates=3)
    scores = [candidate["score"] for candidate in answer["candidates"]]
    assert len(scores) > 1
    assert scores == sorted(scores, reverse=True)
    assert ask(url, png(FRAME), "red")[1]["candidates"] == []


def a_png_that_says_it_is_huge() -> bytes:
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(1000)), b"IEND"]
    framed = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def a_tiny_tiff_in_a_huge_tile() -> bytes:
    side, tile = 4, 1 << 14
    tags = {256: side, 257: side, 258: 8, 259: 1, 262: 1, 277: 1, 322: tile, 323: tile, 324: 8, 325: tile**2}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def forms_of_a_picture() -> dict[str, bytes]:
    """The same scene as cameras and programs write it."""
    scene, forms = Image.fromarray(np.ascontiguousarray(FRAME[..., ::-1])), {}
    for name, mode, kind, options in (
        ("cmyk jpeg", "CMYK", "JPEG", {"quality": 100}),
        ("progressive jpeg", "RGB", "JPEG", {"progressive": True, "quality": 100}),
        ("palette png", "P", "PNG", {}),
        ("transparent png", "RGBA", "PNG", {}),
        ("webp", "RGB", "WEBP", {"lossless": True}),
        ("animated png", "RGB", "PNG", {"save_all": True, "append_images": [scene.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]}),
        ("tiff of two pages", "RGB", "TIFF", {"save_all": True, "append_images": [Image.new("RGB", (8, 8))]}),
        ("bmp", "RGB", "BMP", {}),
    ):
        content = io.BytesIO()
        scene.convert(mode).save(content, kind, **options)
        forms[name] = content.getvalue()
    return {**forms, "png of 16 bits": png(FRAME.astype(np.uint16) * 257)}


GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@pytest.mark.parametrize(
    ("content", "asked", "status", "message"),
    [
        (b"", {}, 400, "The 0 bytes are no picture; expected one of JPEG, PNG"),
        (b"not a picture at all", {}, 400, "are no picture"),
        (GIF, {}, 400, "are no picture"),
        (png(FRAME)[:200], {}, 400, "is not a picture that OpenCV can read"),
        (a_png_that_says_it_is_huge(), {}, 413, "hundreds of millions of pixels; expected at most 4 million"),
        (png(np.zeros((2001, 2001, 3), np.uint8)), {}, 413, "2001 x 2001 pixels"),
        (bytes(2_000_001), {}, 413, "too large; expected at most 2 MB"),
        (bytes(15_000_000), {}, 413, "too large; expected at most 2 MB"),
        (png(FRAME), {"kind": "text/plain"}, 415, "expected a picture"),
        (png(FRAME), {"phrase": "!!!"}, 400, "has no words"),
        (png(FRAME), {"phrase": ["red", "blue"]}, 400, "phrase is given 2 times; expected once"),
        (png(FRAME), {"candidates": [1, 2, 3]}, 400, "candidates is given 3 times; expected once"),
        (png(FRAME), {"kind": "application/json"}, 415, "expected a picture"),
        (a_tiny_tiff_in_a_huge_tile(), {}, 413, "16384 x 16384 pixels; expected at most 4 million"),
        (png(FRAME), {"phrase": ""}, 400, "has no words"),
        (png(FRAME), {"phrase": "red " * 100}, 400, "expected at most 300"),
        (png(FRAME), {"candidates": 99}, 400, "expected a number from 0 to 5"),
        (png(FRAME), {"candidates": "-1"}, 400, "expected a number from 0 to 5"),
    ],
    ids=lambda value: None if isinstance(value, bytes | dict | int) else value,
)
def test_what_cannot_be_answered_is_refused_with_a_message_and_the_next_request_is_answered(url, content, asked, status, message):
    got, answer = ask(url, content, **asked)
    assert (got, message in answer["error"]) == (status, True), answer
    assert ask(url, png(FRAME))[0] == 200


@pytest.mark.parametrize("form", forms_of_a_picture())
def test_a_picture_is_answered_in_every_form_and_of_several_the_first_is_taken(url, form):
    status, answer = ask(url, forms_of_a_picture()[form], "the blue thing", kind="Image/X-Any")
    assert (status, answer["result"]["found"]) == (200, True), answer
    assert np.allclose(answer["result"]["box"], [320, 240, 480, 400], atol=2)


def test_an_address_that_asks_too_often_is_told_to_wait(colour_bundle):
    with serving(colour_bundle, Limits(per_second=1)) as url, ThreadPoolExecutor(8) as at_once:
        answers = list(at_once.map(lambda _: ask(url, png(FRAME)), range(8)))
    assert {status for status, _ in answers} == {200, 429}
    assert "at most 1 a second" in next(answer["error"] for status, answer in answers if status == 429)


def test_an_upload_that_does_not_arrive_is_given_up(colour_bundle):
    with serving(colour_bundle, replace(Limits(), seconds=1)) as url:
        with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=10) as slow:
            headers = b"Host: localhost\r\nContent-Type: image/png\r\nContent-Length: 99\r\n\r\n"
            slow.sendall(b"POST /api/find?phrase=red HTTP/1.1\r\n" + headers)
            assert b"408" in slow.recv(1000)
        assert ask(url, png(FRAME))[0] == 200


def test_no_more_requests_wait_than_may(colour_bundle):
    asker = Asker(colour_bundle, waiting=2)

    async def all_at_once():
        return await asyncio.gather(*(asker.find(png(FRAME), "red", 0) for _ in range(4)), return_exceptions=True)

    answers = asyncio.run(all_at_once())
    again = asyncio.run(asker.find(png(FRAME), "red", 0))
    asker.close()
    assert [isinstance(answer, BusyError) for answer in answers] == [False, False, True, True]
    assert again["result"]["found"]


def test_the_page_is_whole_without_a_network():
    texts = {path.name: path.read_text(encoding="utf-8") for path in PAGE.iterdir()}
    assert {"index.html", "page.css", "page.js"} <= texts.keys()
    for name, text in texts.items():
        assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= {"http://www.w3.org/2000/svg"}, name


def test_the_browser_is_told_to_load_nothing_from_elsewhere(url):
    with urllib.request.urlopen(url) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe" not in policy


def test_a_name_of_another_site_that_points_here_is_turned_away(url):
    request = urllib.request.Request(f"{url}api/about", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)


def test_serve_listens_on_loopback_alone_and_ends_at_ctrl_c(colour_bundle):
    command = [sys.executable, "-m", "isfp.cli", "serve", str(colour_bundle), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stderr.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+/", line).group()
            assert ask(url, png(FRAME))[1]["result"]["found"]
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((another_address_of_this_machine(), urlsplit(url).port), timeout=2)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) in (0, -signal.SIGINT, 130)
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


def another_address_of_this_machine() -> str:
    address = socket.gethostbyname(socket.gethostname())
    return "127.0.0.2" if address.startswith("127.") else address


def fails(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["isfp", "serve", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    return capsys.readouterr().err


def test_a_port_that_is_taken_is_said(monkeypatch, capsys, colour_bundle):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        message = fails(monkeypatch, capsys, colour_bundle, "--port", taken.getsockname()[1])
    assert "Cannot listen on 127.0.0.1" in message
    assert "--port 0" in message


def test_a_bundle_that_is_not_there_is_said(monkeypatch, capsys):
    assert "does not exist" in fails(monkeypatch, capsys, "none.isfp", "--port", 0)


def test_without_its_extra_serve_says_what_to_install(monkeypatch, capsys, colour_bundle):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "isfp.web.server", raising=False)
    assert 'pip install "isfp[web]"' in fails(monkeypatch, capsys, colour_bundle)
