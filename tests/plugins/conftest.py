"""What the plugin's tests share."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.plugin_builds import BUILDS, alone, host_build, plugin_build

LEAN = "tensorrt-lean-cu13==11.4.0.106"  # TensorRT's runtime without its builder: all of it is on PyPI


@pytest.fixture(scope="session")
def host_scan() -> Path:
    return host_build()


@pytest.fixture(scope="session")
def plugin_folder() -> Path:
    return plugin_build("plugins-cpu")


@pytest.fixture(scope="session")
def tensorrt_python() -> tuple[str, dict[str, str]]:
    """The module that is TensorRT here, and the environment in which it can be imported."""
    for module in ("tensorrt", "tensorrt_lean"):
        if importlib.util.find_spec(module) is not None:
            return module, dict(os.environ)
    target = BUILDS / "tensorrt-lean"
    with alone(target.name):
        if not (target / "tensorrt_lean").exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), LEAN]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                pytest.skip(f"{LEAN} cannot be installed: {done.stderr.strip()[-300:]}")
    return "tensorrt_lean", {**os.environ, "PYTHONPATH": str(target)}
