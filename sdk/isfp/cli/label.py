"""`isfp label`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from isfp.cli.extras import asking_for
from isfp.cli.options import BundleArgument, JsonOption, RuntimeOption
from isfp.errors import FrameError


def label(
    bundle: BundleArgument,
    folder: Annotated[Path, typer.Argument(help="Folder of pictures; those in folders within it count too.")],
    phrases: Annotated[Path, typer.Option(help="Text file with one phrase on each line; lines that begin with # do not count.")],
    out: Annotated[Path, typer.Option(help="Folder for annotations.json; the same one again goes on where a run was stopped.")],
    threshold: Annotated[float | None, typer.Option(help="Score from which on a thing is found [the bundle's].")] = None,
    runtime: RuntimeOption = "auto",
    ray: Annotated[bool, typer.Option("--ray", help="Share the work on a Ray cluster (RAY_ADDRESS, or this machine).")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers on the Ray cluster [one for each CPU].")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find phrases in every picture of a folder, and write the masks in COCO's format."""
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

    task = Task(bundle, folder, read_phrases(phrases), threshold, runtime)
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("Pictures"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages) as progress:
        bar = progress.add_task("Pictures", total=None)
        try:
            summary = run(task, out, rows, lambda done, total: progress.update(bar, completed=done, total=total))
        except KeyboardInterrupt:
            messages.print("Stopped. The same command goes on from here.")
            raise typer.Exit(130) from None
    if as_json:
        counts = {"pictures": summary.pictures, "done_before": summary.done_before, "masks": summary.masks}
        print(json.dumps({**counts, "unreadable": summary.unreadable, "out": str(summary.out)}, ensure_ascii=False))
    before = f" ({summary.done_before} of them by an earlier run)" if summary.done_before else ""
    messages.print(f"{summary.pictures} pictures{before}, {summary.masks} masks: {summary.out}", markup=False)
    if summary.unknown_words:
        messages.print(f"Words that the network does not know: {', '.join(summary.unknown_words)}", markup=False)
    if summary.unreadable:
        first = next(iter(summary.unreadable.values()))
        raise FrameError(
            f"{len(summary.unreadable)} of {summary.pictures} pictures cannot be read, and are not in {summary.out}. The first: "
            f"{first} Mend or remove them and run the same command again."
        )
