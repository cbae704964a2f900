"""`isfp run --video`."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from isfp.camera import camera
from isfp.camera.recorder import VideoRecorder
from isfp.camera.sources import stated_length
from isfp.cli.output import print_json
from isfp.draw.results import overlay
from isfp.errors import CameraError
from isfp.segmenter import Segmenter
from isfp.video.smoother import Smoother


def run_video(
    segmenter: Segmenter, video: Path, phrases: list[str], out: Path | None, smooth: bool, as_json: bool, several: bool = False
) -> None:
    """Find phrases in every frame of a video, show progress, and print what was found.

    Args:
        segmenter: runs the model.
        video: the file to read.
        phrases: what to find.
        out: the file to write: the frames with masks drawn over them, without sound.
        smooth: smooth the masks over time.
        as_json: print one line of JSON for each frame, instead of a table at the end.
        several: find every object that a phrase means; not together with `smooth`.

    When it is interrupted, the part of `out` that was done is kept, and the exit code is 130.

    Raises:
        CameraError: the video cannot be read, or has no frame.
        WriteError: `out` cannot be written, or is the input video.
    """
    stream: Any = Smoother(segmenter).stream if smooth else partial(segmenter.stream, several=several)
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("Frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    stated = stated_length(video)
    found, scores, milliseconds, count, seconds = [0] * len(phrases), [0.0] * len(phrases), 0.0, 0, 0.0
    most = [0] * len(phrases)  # objects of a phrase in one frame
    stopped, begun = False, monotonic()
    with (
        camera.open(video) as frames,
        VideoRecorder(out, frames) if out else nullcontext() as recorder,
        Progress(*columns, console=messages) as progress,
        stream(frames, phrases) as items,
    ):
        bar = progress.add_task("Frames", total=stated.frames or None)
        try:
            for item in items:
                best = [answer.best for answer in item.result] if several else item.result
                if recorder:
                    shown = [one for answer in item.result for one in answer.shown] if several else best
                    recorder.write(overlay(item.frame, shown), item.seconds)
                for number, result in enumerate(best):
                    found[number] += result.found
                    scores[number] += result.score
                    if several:
                        most[number] = max(most[number], len(item.result[number]))
                milliseconds += best[0].milliseconds["total"]
                seconds = item.seconds
                if as_json:
                    results = [result.to_json() for result in item.result]
                    print_json({"frame": count, "seconds": round(seconds, 4), "results": results})
                count += 1
                progress.update(bar, completed=count)
        except KeyboardInterrupt:
            stopped = True  # what was done so far is kept
        ended = seconds + 1 / frames.frames_per_second
        if not stopped:
            progress.update(bar, total=count)  # the length that a file states is not always true
    if stopped and not count:
        raise typer.Exit(130)
    if not count:
        raise CameraError(f"The video {video} has no frame that OpenCV can read.")
    if not as_json:
        table = Table("phrase", "found in frames", *(["most at once"] if several else []), "mean score", "notes")
        for phrase, times, at_once, score in zip(phrases, found, most, scores, strict=True):
            notes = "; ".join(segmenter.notes(phrase))
            counts = [f"{times} of {count}", *([str(at_once)] if several else [])]
            table.add_row(Text(phrase), *counts, f"{score / count:.3f}", Text(notes))
        Console().print(table)
    if frames.unreadable:
        messages.print(f"{len(frames.unreadable)} images could not be read, and were passed over.")
    if not stopped and stated.longer_than(count, ended):
        messages.print(f"The file states {stated.frames} frames; only {count} could be read.")
    if recorder and not recorder.video.plays_in_browser:
        messages.print(
            f"{out} is {recorder.video.codec}, which browsers do not play. For H.264, pip install av; or write a .webm.",
            markup=False,
        )
    took = f"{count} frames in {monotonic() - begun:.1f} s, {milliseconds / count:.1f} ms of computing each"
    messages.print(f"{took}{f': {out}' if out else ''}", markup=False)
    if stopped:
        messages.print("Stopped before the end.")
        raise typer.Exit(130)
