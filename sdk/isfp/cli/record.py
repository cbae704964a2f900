"""`isfp record`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from isfp.cli.extras import asking_for
from isfp.cli.options import BundleArgument, PhraseOption, RuntimeOption, ThreadsOption, ThresholdOption


def record(
    bundle: BundleArgument,
    source: Annotated[
        str, typer.Argument(help="Video, image, folder of images, camera number (such as 0), rtsp://... or csi://0.")
    ],
    phrase: PhraseOption,
    out: Annotated[Path, typer.Option(help="Recording to write, NAME.rrd.")],
    frames: Annotated[int, typer.Option(min=0, help="Stop after this many frames; 0 runs until the source ends or Ctrl+C.")] = 0,
    threshold: ThresholdOption = None,
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Record frames, masks, identifying maps, scores and timings for the Rerun viewer."""
    with asking_for("record", "rerun"):
        from isfp.draw.rerun import RerunRecorder
    from isfp.camera import camera
    from isfp.files.atomic_file import refuse_input
    from isfp.segmenter import Segmenter

    refuse_input(out, source)
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    with (
        Segmenter(bundle, runtime=runtime, threshold=threshold, threads=threads) as segmenter,
        camera.open(source) as opened,
        RerunRecorder(out, segmenter.threshold) as recorder,
        Progress(TextColumn("{task.completed:.0f} frames"), TimeElapsedColumn(), console=messages, transient=True) as progress,
    ):
        task = progress.add_task("frames", total=frames or None)
        try:
            for frame in opened:
                recorder.log(frame, segmenter.run(frame, phrase), opened.seconds)
                progress.advance(task)
                if recorder.frames == frames:
                    break
        except KeyboardInterrupt:
            pass  # the usual end of a live recording; what was recorded is kept
        count = recorder.frames
    if opened.unreadable:
        messages.print(f"{len(opened.unreadable)} images could not be read, and were passed over.")
    messages.print(f"Recorded {count} frames to {out}. To view them: rerun {out}", markup=False)
