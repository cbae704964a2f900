"""Programs that stand for a device's: what they do is decided by files, so a check can be tested step by step without one."""

from __future__ import annotations

from pathlib import Path

ROW = '{"phrases": 1, "channels": 64, "numbers": "FP16", "path": "fast", "eager_us": [1, 2, 3], "graph_us": [1, 1.5, 2]}'


class FakeTools:
    """A folder of programs, for PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.program("c++", "exit 0")
        # What it "compiles" are programs that do what fpm_device_test and fpm_device_bench are set to do.
        self.program(
            "nvcc",
            f"""case "$*" in
              --list-gpu-code) echo sm_80 sm_87 sm_89;; --version) echo release 12.6;;
              *) while [ "$1" != -o ]; do shift; done; cp {folder}/$(basename "$2") "$2";; esac""",
        )
        self.program("fpm_device_test", "echo every scan holds")
        self.program("frame_device_test", "echo every step of a frame holds")
        self.program("fpm_device_bench", f"echo '{ROW}'")
        self.program("compute-sanitizer", 'shift 4; exec "$@"')
        self.program("cmake", "exit 0")

    def program(self, name: str, body: str) -> Path:
        """Write a program, in sh."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path
