"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isfp.steps.arguments import MOST_THREADS

BundleArgument = Annotated[Path, typer.Argument(help="Model bundle: a folder, NAME.isfp.")]
PhraseOption = Annotated[list[str], typer.Option(help='What to find, such as "the red mug"; repeatable.')]
ThresholdOption = Annotated[float | None, typer.Option(help="Minimum score for a match, 0 to 1.", show_default="the bundle's own")]
RuntimeOption = Annotated[
    str,
    typer.Option(
        help="Runtime: auto (the best here), onnxruntime, openvino, tensorrt or tensorrt-rtx; openvino:bf16 and the like with a "
        "precision."
    ),
]
ThreadsOption = Annotated[
    int,
    typer.Option(min=0, max=MOST_THREADS, help="Threads to compute with on a CPU.", show_default="one per core that may be used"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, and nothing else.")]
