"""Builds of the plugin for its tests: each made once, kept under `build/`, made again where a source has changed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.paths import ROOT

BUILDS = ROOT / "build"
SOME_ARCHITECTURE = "86-real"  # one is enough for what runs on the CPU


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One process at a time works in `build/NAME` (pytest-xdist)."""
    BUILDS.mkdir(exist_ok=True)
    with (BUILDS / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(name: str, targets: tuple[str, ...], *options: str) -> Path:
    """`build/NAME` with `targets` built; a build that fails is a test that fails, with the compiler's words."""
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = BUILDS / name
    commands = [
        ["cmake", "-S", str(ROOT), "-B", str(folder), "-DISFP_WERROR=ON", *options],
        ["cmake", "--build", str(folder), "--parallel", "2", "--target", *targets],
    ]
    with alone(name):
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                pytest.fail(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}", pytrace=False)
    return folder


def host_build(sanitizer: str = "") -> Path:
    """The program that runs the kernels' bodies with threads of the host."""
    name = f"plugins-{sanitizer or 'host'}"
    options = ("-DISFP_CUDA=OFF", f"-DISFP_SANITIZE={sanitizer}")
    return build(name, ("fpm_host_scan", "fpm_host_scan_as_device", "fpm_core_test"), *options) / "bin" / "fpm_host_scan"


def nvcc() -> str:
    """The CUDA compiler's path."""
    for path in (shutil.which("nvcc"), "/usr/local/cuda/bin/nvcc"):
        if path and Path(path).exists():
            return path
    pytest.skip("nvcc is not installed")


def plugin_build(name: str, *options: str) -> Path:
    """Everything, with device code for one architecture."""
    nvcc()
    headers = tensorrt_headers()
    return build(name, ("all",), f"-DTENSORRT_INCLUDE_DIR={headers}", f"-DISFP_CUDA_ARCHITECTURES={SOME_ARCHITECTURE}", *options)


def tensorrt_headers() -> Path:
    """This machine's TensorRT headers, else the pinned ones from PyPI."""
    for folder in (
        os.environ.get("TENSORRT_INCLUDE_DIR"),
        "/usr/include/x86_64-linux-gnu",
        "/usr/include/aarch64-linux-gnu",
    ):
        if folder and (Path(folder) / "NvInferRuntime.h").exists():
            return Path(folder)
    target = BUILDS / "tensorrt-headers"
    with alone(target.name):
        command = [sys.executable, str(ROOT / "plugins" / "fetch_headers.py"), str(target)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"TensorRT's headers are neither installed nor to be had from PyPI: {done.stderr.strip()[-300:]}")
    return target


def frame_library() -> Path:
    """The letterbox and the masks of libisfp_frame, for memory of the host."""
    return build("plugins-host", ("frame_host",), "-DISFP_CUDA=OFF", "-DISFP_SANITIZE=") / "lib" / "libisfp_frame_host.so"
