"""Put a folder in its place whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def placing(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder` to write to, flushed to disk and renamed to it at the end.

    What stands at `folder` is replaced, and stays as it was where the body or the renaming fails. The name of what is under way
    begins with a dot, which no reader of bundles or engines looks at.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    new, old = temporary / "new", temporary / "old"
    try:
        new.mkdir()
        yield new
        for file in new.rglob("*"):
            if file.is_file():
                with file.open("rb") as written:
                    os.fsync(written.fileno())
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except BaseException:
            if old.exists():
                os.replace(old, folder)
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
