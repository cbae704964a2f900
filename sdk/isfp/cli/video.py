"""`isfp run --video`."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from isfp.camera import camera
from isfp.camera.video_file import VideoFile, VideoFileError, frame_count
from isfp.errors import CameraError
from isfp.segmenter import Segmenter
from isfp.show.draw import overlay
from isfp.video.smoother import Smoother


def run_video(segmenter: Segmenter, video: Path, phrases: list[str], out: Path | None, smooth: bool, as_json: bool) -> None:
    """Find phrases in every frame of a video, show progress, and print what was found.

    Args:
        segmenter: runs the model.
        video: the file to read.
        phrases: what to find.
        out: the file to write: the frames with masks drawn over them, without sound.
        smooth: smooth the masks over time.
        as_json: print one line of JSON for each frame, instead of a table at the end.

    Raises:
        CameraError: the video cannot be read, or has no frame.
        VideoFileError: `out` cannot be written, or is the input video.
    """
    if out and out.resolve() == video.resolve():
        raise VideoFileError(f"{out} is the input video. Give another path to write to.")
    if not video.exists():
        raise CameraError(f"The video {video} does not exist. Check the path.")
    run = Smoother(segmenter).run if smooth else segmenter.run
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("Frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    said = frame_count(video)
    found, scores, milliseconds, count = [0] * len(phrases), [0.0] * len(phrases), 0.0, 0
    with (
        camera.open(video) as frames,
        VideoFile(out, frames.frames_per_second) if out else nullcontext() as writer,
        Progress(*columns, console=messages) as progress,
    ):
        bar = progress.add_task("Frames", total=said or None)
        for frame in frames:
            results = run(frame, phrases)
            if writer:
                writer.write(overlay(frame, results))
            for number, result in enumerate(results):
                found[number] += result.found
                scores[number] += result.score
            milliseconds += results[0].milliseconds["total"]
            if as_json:
                seconds = round(count / frames.frames_per_second, 4)
                line = {"frame": count, "seconds": seconds, "results": [result.to_json() for result in results]}
                print(json.dumps(line, ensure_ascii=False))
            count += 1
            progress.update(bar, completed=count)
        progress.update(bar, total=count)  # the length that a file states is not always true
    if not count:
        raise CameraError(f"The video {video} has no frame that OpenCV can read.")
    if not as_json:
        table = Table("phrase", "found in frames", "mean score")
        for phrase, times, score in zip(phrases, found, scores, strict=True):
            table.add_row(Text(phrase), f"{times} of {count}", f"{score / count:.3f}")
        Console().print(table)
    if count < said:
        messages.print(f"The file states {said} frames; only {count} could be read.")
    messages.print(f"{count} frames, {milliseconds / count:.1f} ms each{f': {out}' if out else ''}", markup=False)
