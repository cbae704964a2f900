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


def test_wheel_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fetch_headers, "SHA256", "0" * 64)
    with pytest.raises(SystemExit, match="pip did not get kernel-lens") as refused:
        fetch_headers.download(tmp_path)
    if "HASHES" not in str(refused.value):
        pytest.skip("PyPI cannot be reached, so there was no hash to compare")
    assert not list(tmp_path.glob("*.whl"))
