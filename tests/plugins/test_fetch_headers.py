"""`plugins/fetch_headers.py`: pinned by hash, and nothing but headers lands in the folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import fetch_headers


def test_only_headers_of_the_one_folder_are_unpacked(tmp_path: Path) -> None:
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(fetch_headers.HEADERS + "NvInferRuntime.h", "right")
        archive.writestr(fetch_headers.HEADERS + "../../../escape.h", "inside")
        archive.writestr(fetch_headers.HEADERS + "script.py", "no header")
        archive.writestr("kernel_lens/other.h", "another folder")
    fetch_headers.unpack(wheel, tmp_path / "deep" / "headers")
    assert {path.name for path in (tmp_path / "deep" / "headers").iterdir()} == {"NvInferRuntime.h", "escape.h"}
    assert not list(tmp_path.glob("*.h"))


def test_a_fetch_that_was_killed_is_not_taken_for_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, target = tmp_path / "some.whl", tmp_path / "headers"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (fetch_headers.MARK, "NvInfer.h"):  # the one whose presence counts comes first in the wheel
            archive.writestr(fetch_headers.HEADERS + name, "content")
    whole = zipfile.ZipFile.read
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda self, name: whole(self, name) if "NvInfer.h" in name else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fetch_headers.unpack(wheel, target)
    assert [path.name for path in target.iterdir()] == ["NvInfer.h"]


def test_wheel_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fetch_headers, "SHA256", "0" * 64)
    with pytest.raises(SystemExit, match="pip did not get kernel-lens") as refused:
        fetch_headers.download(tmp_path)
    if "HASHES" not in str(refused.value):
        pytest.skip("PyPI cannot be reached, so there was no hash to compare")
    assert not list(tmp_path.glob("*.whl"))
