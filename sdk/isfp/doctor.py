"""What this machine has, what will run on it, and what to type next."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isfp.runtimes import RUNTIMES, runtime_class


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        good: whether it is there and fit for use.
        found: what was found.
        remedy: what to do about it, empty where nothing is needed.
    """

    what: str
    good: bool
    found: str
    remedy: str = ""


def examine() -> dict[str, Any]:
    """Look at this machine; nothing heavy is loaded but the runtimes themselves.

    Returns:
        JSON values: `findings`, `runtime` (what `auto` takes, or None), and `next`, the command to type next.
    """
    findings = [
        _python(),
        _opencv(),
        *_runtimes(),
        _driver(),
        _tensorrt("tensorrt"),
        _tensorrt("tensorrt_rtx"),
        _torch(),
    ]
    runtime = next((name for name in RUNTIMES if runtime_class(name).missing() is None), None)
    command = "isfp run BUNDLE --image PICTURE --phrase 'the red mug'" if runtime else "pip install onnxruntime"
    return {"findings": [asdict(finding) for finding in findings], "runtime": runtime, "next": command}


def _python() -> Finding:
    good = sys.version_info >= (3, 10)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", good, found, "" if good else "Install Python 3.10 or later.")


def _opencv() -> Finding:
    import cv2

    from isfp.camera import has_gstreamer

    window = re.search(r"GUI:\s*(\S+)", cv2.getBuildInformation())
    gui = window.group(1) if window else "NONE"
    found = f"{cv2.__version__}, windows: {gui}, GStreamer: {'yes' if has_gstreamer() else 'no'}"
    remedy = "" if has_gstreamer() else "For csi:// and pipelines, use the system's OpenCV: apt install python3-opencv."
    return Finding("OpenCV", True, found, remedy)


def _runtimes() -> list[Finding]:
    findings = []
    for name in RUNTIMES:
        reason = runtime_class(name).missing()
        findings.append(Finding(f"runtime {name}", reason is None, "cannot run" if reason else _about(name), reason or ""))
    return findings


def _about(name: str) -> str:
    if name == "onnxruntime":
        import onnxruntime

        return f"{onnxruntime.__version__}, providers: {', '.join(onnxruntime.get_available_providers())}"
    return "ready"


def _driver() -> Finding:
    jetson = Path("/etc/nv_tegra_release")
    try:
        if jetson.exists():
            return Finding("NVIDIA driver", True, jetson.read_text(encoding="utf-8").splitlines()[0].lstrip("# "))
        query = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
        lines = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
        return Finding("NVIDIA driver", True, lines.replace("\n", "; "))
    except (OSError, subprocess.SubprocessError):
        return Finding("NVIDIA driver", False, "none", "Not needed on a CPU.")


def _tensorrt(module: str) -> Finding:
    what = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}[module]
    if find_spec(module) is None:
        return Finding(what, False, "not installed", "Not needed on a CPU.")
    return Finding(what, True, _version(module.replace("_", "-"), module))


def _torch() -> Finding:
    if find_spec("torch") is None:
        return Finding("PyTorch", False, "not installed", 'Only for training and export: pip install "isfp[train,export]"')
    return Finding("PyTorch", True, _version("torch"))


def _version(*distributions: str) -> str:
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "installed"
