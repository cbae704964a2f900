"""Check a folder in REFER's layout: `python -m isfp_train.data.refcoco NAME FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from isfp.errors import IsfpError
from isfp_train.data.refcoco.layout import DATASETS
from isfp_train.data.refcoco.refcoco import RefCoco


def main() -> None:
    """Print the contents of a folder, or one message about what is missing."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: python -m isfp_train.data.refcoco {{{','.join(DATASETS)}}} FOLDER")
    try:
        print(RefCoco(sys.argv[1], Path(sys.argv[2])).summary())
    except IsfpError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
