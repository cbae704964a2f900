"""`isfp bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from isfp.cli.options import BundleArgument, JsonOption, RuntimeOption
from isfp.cli.output import messages, print_json


def bench(
    bundle: BundleArgument,
    image: Annotated[Path | None, typer.Option(help="Image to measure on.", show_default="640 x 480 pixels of noise")] = None,
    phrase: Annotated[
        list[str] | None,
        typer.Option(help="Phrase to look for; repeat it to measure several together.", show_default="one phrase"),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Number of measured runs.")] = 50,
    runtime: RuntimeOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure how long each step takes on this machine."""
    import numpy as np

    from isfp import pictures
    from isfp.diagnose.bench import bench as measure
    from isfp.segmenter import Segmenter

    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    noise[:240] //= 2  # noise alone has no contrast, and runs no mask stage
    frame = pictures.read(image) if image else noise
    with Segmenter(bundle, runtime=runtime) as segmenter:
        result = measure(segmenter, frame, phrase or ["the red mug on the left"], runs)
    if as_json:
        print_json(result.to_json())
        return
    rows, columns = result.frame
    table = Table("step", "median ms", "p95", "p99", title=f"{bundle} on {result.runtime}, frame {columns} x {rows}")
    for step, timing in result.milliseconds.items():
        table.add_row(step, *(f"{value:.2f}" for value in (timing.median, timing.p95, timing.p99)))
    Console().print(table)
    messages.print(f"{runs} runs, {result.phrases} phrase(s). {result.included}\n{result.machine}")
