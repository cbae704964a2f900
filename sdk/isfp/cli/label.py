"""`isfp label`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from isfp.cli.extras import asking_for
from isfp.cli.options import BundleArgument, JsonOption, RuntimeOption, ThresholdOption
from isfp.cli.output import print_json
from isfp.errors import FrameError
from isfp.files.names import printable
from isfp.steps.arguments import MOST_THREADS


def label(
    bundle: BundleArgument,
    folder: Annotated[Path, typer.Argument(help="Folder of images, searched with its subfolders.")],
    phrases: Annotated[Path, typer.Option(help="Text file with one phrase per line; lines that start with # are ignored.")],
    out: Annotated[Path, typer.Option(help="Folder for annotations.json; give the same one to resume a run that was stopped.")],
    threshold: ThresholdOption = None,
    runtime: RuntimeOption = "auto",
    ray: Annotated[
        bool, typer.Option("--ray", help="Spread the work over a Ray cluster: the one at RAY_ADDRESS, or this machine.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Number of Ray workers.", show_default="one per CPU")] = None,
    threads: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_THREADS,
            help="Threads to compute with on a CPU; of each worker with --ray.",
            show_default="one per core; 1",
        ),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Label every image in a folder, and write the masks in COCO format."""
    with asking_for("label", "label"):
        import filelock  # noqa: F401
        import pycocotools  # noqa: F401

        from isfp.label.labeller import Task, read_phrases
        from isfp.label.labeller import label as run
    rows = None
    if ray:
        with asking_for("label --ray", "ray"):
            from isfp.label import cluster
        rows = partial(cluster.rows, workers=workers)

    task = Task(bundle, folder, read_phrases(phrases), threshold, runtime, threads)
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("Images"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages) as progress:
        bar = progress.add_task("Images", total=None)
        try:
            summary = run(task, out, rows, lambda done, total: progress.update(bar, completed=done, total=total))
        except KeyboardInterrupt:
            messages.print("Stopped. Run the same command again to resume.")
            raise typer.Exit(130) from None
    if as_json:
        counts = {"pictures": summary.pictures, "done_before": summary.done_before, "masks": summary.masks}
        about = {"phrase_notes": summary.phrase_notes}
        print_json(
            {**counts, "unreadable": summary.unreadable, "passed_over": summary.passed_over, **about, "out": str(summary.out)}
        )
    before = f" ({summary.done_before} of them by an earlier run)" if summary.done_before else ""
    messages.print(f"{summary.pictures} images{before}, {summary.masks} masks: {summary.out}", markup=False)
    for note in summary.notes:
        messages.print(printable(note), markup=False)
    for phrase, notes in summary.phrase_notes.items():
        messages.print(printable(f"{phrase!r}: {'; '.join(notes)}"), markup=False)
    if summary.unreadable:
        first = next(iter(summary.unreadable.values()))
        raise FrameError(
            f"{len(summary.unreadable)} of {summary.pictures} images cannot be read, and are not in {summary.out}. The first: "
            f"{first} Repair or remove them, and run the same command again."
        )
