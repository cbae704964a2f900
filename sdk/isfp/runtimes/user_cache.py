"""This user's folder for what is compiled on this machine: code, so only the user may write to it."""

from __future__ import annotations

import os
from pathlib import Path

from isfp.bundle.bundle import Bundle


def cache_folder(bundle: Bundle, kind: str) -> Path:
    """Return the folder for what is compiled from a bundle, and make it; a bundle that is exported again gets another.

    Args:
        bundle: what it is compiled from.
        kind: what it is compiled by.

    Raises:
        OSError: it cannot be made.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "isfp" / kind / str(bundle.manifest.fields["sha256"])[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
