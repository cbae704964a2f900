"""A CUDA driver of host memory, `host_driver.c`, and programs that run on it: the real cuda-bindings on a machine without a GPU."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.paths import ROOT

SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class Ran:
    """What a program printed, what it wrote to standard error, and the functions of the driver that it called, in order."""

    printed: str
    said: str
    calls: list[str]


class HostDriver:
    """The library in a folder of its own; programs find it through the system's search, as they find the real one."""

    def __init__(self, folder: Path) -> None:
        if sys.platform != "linux":
            pytest.skip("the driver's stand-in is written for Linux")
        if (compiler := shutil.which("cc")) is None:
            pytest.skip("there is no C compiler: apt install gcc")
        self.folder = folder
        command = [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", folder / "libcuda.so.1", SOURCE]
        subprocess.run([*command, "-ldl"], check=True)

    def run(self, program: str, **environment: str) -> Ran:
        """Run a program in a process of its own; it must succeed."""
        log = self.folder / "calls"
        log.unlink(missing_ok=True)
        paths = {"LD_LIBRARY_PATH": str(self.folder), "PYTHONPATH": os.pathsep.join([str(ROOT / "sdk"), str(ROOT), *_inherited()])}
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env={**os.environ, **paths, "ISFP_DRIVER_LOG": str(log), **environment},
        )
        assert done.returncode == 0, done.stderr
        return Ran(done.stdout, done.stderr, log.read_text().splitlines() if log.exists() else [])


def _inherited() -> list[str]:
    return [path for path in [os.environ.get("PYTHONPATH", "")] if path]


def needs_cuda_bindings() -> None:
    """Skip where the package is not installed."""
    try:
        found = importlib.util.find_spec("cuda.bindings")
    except ModuleNotFoundError:
        found = None
    if found is None:
        pytest.skip("cuda-bindings is not installed: pip install cuda-bindings")
