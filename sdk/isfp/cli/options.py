"""Arguments that several commands of the command line take alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BundleArgument = Annotated[Path, typer.Argument(help="A bundle's folder, NAME.isfp.")]
RuntimeOption = Annotated[str, typer.Option(help='Runtime, or "auto" for the best that this machine has.')]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
