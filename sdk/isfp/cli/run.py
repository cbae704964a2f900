"""`isfp run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from isfp.cli.options import BundleArgument, JsonOption, RuntimeOption
from isfp.cli.output import messages, plain, print_json


def run(
    bundle: BundleArgument,
    phrase: Annotated[list[str], typer.Option(help="What to find; give it again for more.")],
    image: Annotated[Path | None, typer.Option(help="A picture.")] = None,
    video: Annotated[Path | None, typer.Option(help="A video, in place of a picture.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Picture to write (mask, identifying map, score), or video (.mp4, .avi).")
    ] = None,
    smooth: Annotated[bool, typer.Option(help="Steady a video's masks over time.")] = True,
    threshold: Annotated[float | None, typer.Option(help="Score from which on a thing is found [the bundle's].")] = None,
    runtime: RuntimeOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find what phrases mean in a picture, or in every frame of a video."""
    from isfp import pictures
    from isfp.segmenter import Segmenter
    from isfp.show.draw import sheet

    if video and not image:
        from isfp.cli.video import run_video

        with Segmenter(bundle, runtime=runtime, threshold=threshold) as segmenter:
            run_video(segmenter, video, phrase, out, smooth, as_json)
        return
    if not image or video:
        raise typer.BadParameter("Give one of --image and --video.")
    frame = pictures.read(image)
    with Segmenter(bundle, runtime=runtime, threshold=threshold) as segmenter:
        results = segmenter.run(frame, phrase)
        if out:
            pictures.write(out, sheet(frame, results, segmenter.framing, segmenter.threshold))
            messages.print(f"Picture: {out}", highlight=False, soft_wrap=True)
        if as_json:
            print_json({"image": str(image), "bundle": str(bundle), "results": [r.to_json() for r in results]})
            return
    table = Table("phrase", "found", "score", "box", "pixels", "unknown words")
    for result in results:
        box = " ".join(map(str, result.box)) if result.box else "-"
        pixels = str(int(result.mask.sum())) if result.found else "-"
        found = "[green]yes[/]" if result.found else "[red]not there[/]"
        table.add_row(plain(result.text), found, f"{result.score:.3f}", box, pixels, " ".join(result.unknown_words))
    Console().print(table)
    messages.print(f"{results[0].milliseconds['total']:.1f} ms, the first run, which is slower than those after it")
