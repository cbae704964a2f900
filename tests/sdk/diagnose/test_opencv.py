"""Each way in which OpenCV fails to import has its own cause and command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

CHECK = str(ROOT / "sdk" / "isfp" / "diagnose" / "opencv.py")
BROKEN = {
    "another NumPy": ("raise ImportError('numpy.core.multiarray failed to import')", 'pip install "numpy<2"'),
    "another NumPy, newer text": ("raise AttributeError('_ARRAY_API not found')", 'pip install "numpy<2"'),
    "no library": ("raise ImportError('libGL.so.1: cannot open shared object file')", "apt install libgl1"),
    "not installed": ("raise ModuleNotFoundError(\"No module named 'cv2'\")", "OpenCV is not installed"),
    "too old": ("__version__ = '4.5.4'\ndef imread(): ...\ndef resize(): ...", "4.5.4"),
    "hollow": ("", "share it, and one of them was uninstalled"),
}


@pytest.mark.parametrize("cause", BROKEN)
def test_the_message_names_the_cause_and_the_command(tmp_path: Path, cause: str) -> None:
    code, said = BROKEN[cause]
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(code)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import isfp"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: OpenCV")
    assert said in last
    others = {other for _, other in BROKEN.values()} - {said}
    assert not any(other in last for other in others)


def test_a_version_too_old_is_told_from_the_lowest_one_with_the_command(tmp_path: Path) -> None:
    said = {}
    for version in ("4.5.5-dev", "4.6.0", "4.10.0", "5.0.0-pre"):
        (tmp_path / "cv2").mkdir(exist_ok=True)
        (tmp_path / "cv2" / "__init__.py").write_text(f"__version__ = {version!r}\ndef imread(): ...\ndef resize(): ...")
        program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import runpy; runpy.run_path({CHECK!r})['check_opencv']()"
        done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, timeout=60)
        said[version] = done.stderr.strip().splitlines()[-1:]
    (old,) = said.pop("4.5.5-dev")
    assert "expected 4.6 or later" in old
    assert 'pip install --upgrade "isfp[opencv]"' in old
    assert list(said.values()) == [[]] * 3
