"""Compile the kernels once for each architecture and print what ptxas says of them, as a Markdown table."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "device" / "scan.cu"
ENTRY = re.compile(r"Compiling entry function '\w*?(fpm_\w+?)I(f|\w*DeviceHalf)\w*' for '(sm_\d+)'")
SPILL = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers(?:.*?(\d+) bytes smem)?")


def rows_of(log: str) -> list[tuple[str, ...]]:
    """Kernel, numbers, device, registers, stack, spill stores, spill loads and static shared bytes of each kernel."""
    rows = []
    entry = spill = None
    for line in log.splitlines():
        if match := ENTRY.search(line):
            entry = (match[1], "FP32" if match[2] == "f" else "FP16", match[3])
        elif match := SPILL.search(line):
            spill = match.groups()
        elif entry and spill and (match := USED.search(line)):
            rows.append((*entry, match[1], *spill, match[2] or "0"))
            entry = spill = None
    return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvcc", default="nvcc")
    parser.add_argument("--architectures", default="86", help="as CMAKE_CUDA_ARCHITECTURES")
    arguments = parser.parse_args()
    print("| kernel | numbers | device | registers | stack | spill stores | spill loads | static shared memory |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.architectures.split(";"):
        if name.endswith("-virtual"):
            continue
        number = name.removesuffix("-real")
        target = f"arch=compute_{number},code=sm_{number}"
        command = [
            arguments.nvcc,
            "-std=c++17",
            "-O3",
            "-gencode",
            target,
            "-Xptxas",
            "-v",
            "-cubin",
            "-o",
            "/dev/null",
        ]
        log = subprocess.run([*command, str(SOURCE)], check=True, capture_output=True, text=True)
        for row in sorted(rows_of(log.stdout + log.stderr)):
            print(f"| `{row[0]}` | " + " | ".join(row[1:]) + " |")


if __name__ == "__main__":
    main()
