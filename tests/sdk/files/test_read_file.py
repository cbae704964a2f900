"""Files that a user gives: what cannot be read is said by name, and a file without end is not read into memory."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from isfp import FrameError, IsfpError, pictures
from isfp.files import read_file


class OwnError(IsfpError):
    """A caller's own error."""


def test_what_is_read_is_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_file.read_json(path, "an object") == {"a": 1}
    assert read_file.read_text(path, "text") == '{"a": 1}'
    assert read_file.read_limited(path) == path.read_bytes()


def test_a_file_of_the_limit_is_read_and_one_more_byte_is_not(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"12345")
    assert read_file.read_limited(path, 5) == b"12345"
    with pytest.raises(OSError, match="It has more than 0 MiB"):
        read_file.read_limited(path, 4)
    with pytest.raises(OSError, match="It has more than 0 MiB"):
        read_file.read_stream(io.BytesIO(b"12345"), "-", 4)


@pytest.mark.parametrize(
    ("content", "fault"), [(b"\xff", r"it is not UTF-8 \(byte 0\)"), (b"{", "is not JSON"), (b"[" * 100_000, "is not JSON")]
)
def test_a_fault_is_an_error_of_the_callers_kind(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(OwnError, match=f"a.json.*{fault}.*Expected a list"):
        read_file.read_json(path, "a list", OwnError)


@pytest.mark.parametrize("name", ["missing", ".", "a\0b"])
def test_what_cannot_be_opened_is_an_error_of_the_callers_kind(tmp_path: Path, name: str) -> None:
    with pytest.raises(OwnError, match="cannot be read: .*Expected a list"):
        read_file.read_json(tmp_path / name, "a list", OwnError)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
def test_a_device_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_file, "MOST_TEXT", 1 << 20)
    with pytest.raises(IsfpError, match="/dev/zero cannot be read: It has more than 1 MiB"):
        read_file.read_text("/dev/zero", "text")
    monkeypatch.setattr(pictures, "read_limited", lambda path: read_file.read_limited(path, 1 << 20))
    with pytest.raises(FrameError, match="/dev/zero cannot be read: It has more than 1 MiB"):
        pictures.read("/dev/zero")
