"""The README's figures are those of the kernels."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.plugin_builds import ROOT, build, nvcc

FPM_SCAN = ROOT / "plugins" / "fpm_scan"
README = (FPM_SCAN / "README.md").read_text()
CHANNELS = ("64", "128", "256", "512")
ARCHITECTURES = ("80", "86", "87", "89", "90", "100", "120")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def version_of(compiler: str) -> str:
    printed = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"V([\d.]+)", printed)[0]


@pytest.fixture(scope="module")
def kernels() -> list[list[str]]:
    """Rows of report/kernels.py: kernel, numbers, device, registers, stack, spill stores, spill loads, shared bytes."""
    known = subprocess.run([nvcc(), "--list-gpu-code"], capture_output=True, text=True, check=True).stdout.split()
    architectures = ";".join(name for name in ARCHITECTURES if f"sm_{name}" in known)
    command = [sys.executable, str(FPM_SCAN / "report" / "kernels.py"), "--nvcc", nvcc()]
    printed = subprocess.run([*command, "--architectures", architectures], capture_output=True, text=True, check=True).stdout
    return [cells(line) for line in printed.splitlines()[2:]]


@pytest.mark.slow
def test_no_kernel_spills_or_has_a_stack_or_static_shared_memory(kernels: list[list[str]]) -> None:
    assert len(kernels) % 6 == 0
    assert len(kernels) >= 6
    assert {tuple(row[4:]) for row in kernels} == {("0", "0", "0", "0")}


@pytest.mark.slow
def test_readme_states_the_registers(kernels: list[list[str]]) -> None:
    stated = re.findall(r"nvcc ([\d.]+)\.", README)[0]
    if version_of(nvcc()) != stated:
        pytest.skip(f"the README's figures are of nvcc {stated}, here is {version_of(nvcc())}")
    lines = README.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| registers |"))
    devices = cells(lines[start])[1:]
    table = {}
    for line in lines[start + 2 : start + 8]:
        kernel, *registers = cells(line)
        table.update({(*kernel.split(), device): count for device, count in zip(devices, registers, strict=True)})
    assert table == {(row[0], row[1], row[2]): row[3] for row in kernels}


def test_readme_states_the_launches() -> None:
    program: Path = build("plugins-host", ("fpm_launch_table",), "-DISFP_CUDA=OFF", "-DISFP_SANITIZE=") / "bin"
    printed = subprocess.run([str(program / "fpm_launch_table")], capture_output=True, text=True, check=True).stdout
    launches = {}
    for device, numbers, channels, phrases, path, slice_, slices, _, waves, _, shared in map(cells, printed.splitlines()[2:]):
        if phrases == "1" and path == "fast":
            text = f"{slice_} × {slices}, {float(shared.split()[0]):.0f} KiB"
            launches[numbers, device, channels] = text + (f", {waves} launches" if waves != "1" else "")
    lines = README.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| | C = 64 |"))
    stated = {}
    for line in lines[start + 2 : start + 9]:
        name, *texts = cells(line)
        numbers, device = name.split(", ", 1)
        full_name = next(key[1] for key in launches if key[1].endswith(device))
        stated.update({(numbers, full_name, c): text for c, text in zip(CHANNELS, texts, strict=True)})
    assert len(stated) == 28
    assert stated == {key: launches[key] for key in stated}
