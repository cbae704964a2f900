"""`isfp run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from isfp.cli.options import BundleArgument, JsonOption, PhraseOption, RuntimeOption, ThreadsOption, ThresholdOption
from isfp.cli.output import messages, plain, print_json


def run(
    bundle: BundleArgument,
    phrase: PhraseOption,
    image: Annotated[str | None, typer.Option(help="Image to look at; - reads it from standard input.")] = None,
    video: Annotated[str | None, typer.Option(help="Video to look at, in place of an image.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Picture to write (.png or .jpg: mask, identifying map and score), or video (.mp4, .webm or .avi: masks)."
        ),
    ] = None,
    several: Annotated[bool, typer.Option("--several", help='Find every object that a phrase means ("the mugs").')] = False,
    smooth: Annotated[
        bool | None,
        typer.Option(
            "--smooth/--no-smooth", help="Smooth a video's masks over time.", show_default="smooth, but not with --several"
        ),
    ] = None,
    threshold: ThresholdOption = None,
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Find what a phrase describes in an image, or in every frame of a video."""
    from isfp import pictures
    from isfp.cli.inputs import local_file, read_image
    from isfp.draw.results import sheet
    from isfp.files.atomic_file import refuse_input
    from isfp.segmenter import Segmenter

    if smooth and several:
        raise typer.BadParameter(
            "--smooth follows one object for each phrase, and --several finds any number: give one of the two."
        )
    if smooth and image:
        raise typer.BadParameter("--smooth follows an object over the frames of a --video; an image is one frame.")
    if video and not image:
        from isfp.cli.video import run_video

        source = local_file(video)
        if out:
            refuse_input(out, source)
        with Segmenter(bundle, runtime=runtime, threshold=threshold, threads=threads) as segmenter:
            run_video(segmenter, source, phrase, out, not several if smooth is None else smooth, as_json, several)
        return
    if not image or video:
        raise typer.BadParameter("Give either --image or --video.")
    if out:
        refuse_input(out, image)
        pictures.check_ending(out)
    frame = read_image(image)
    with Segmenter(bundle, runtime=runtime, threshold=threshold, threads=threads) as segmenter:
        sets = segmenter.run(frame, phrase, several=True) if several else []
        found = [one.best for one in sets] if several else segmenter.run(frame, phrase)
        if out:
            objects = [one.objects for one in sets] if several else None
            pictures.write(out, sheet(frame, found, segmenter.framing, segmenter.threshold, objects=objects))
            messages.print(f"Wrote {out}", highlight=False, soft_wrap=True)
        if as_json:
            print_json({"image": image, "bundle": str(bundle), "results": [one.to_json() for one in sets or found]})
            return
    table = Table("phrase", "found", "score", "box", "pixels", "notes")
    for result in [one for each in sets for one in each.shown] or found:
        box = " ".join(map(str, result.box)) if result.box else "-"
        pixels = str(int(result.mask.sum())) if result.found else "-"
        verdict = "[green]yes[/]" if result.found else "[red]not there[/]"
        table.add_row(plain(result.text), verdict, f"{result.score:.3f}", box, pixels, plain("; ".join(result.notes)))
    Console().print(table)
    messages.print(f"{found[0].milliseconds['total']:.1f} ms; the first run is slower than later ones")
