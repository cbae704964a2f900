"""Measure flicker and lag of a bundle's masks, with and without smoothing: python tools/flicker.py models/edge.isfp.

The clips are generated (isfp_train.data.scenes.moving): drawn things seen by a noisy camera, still, moving, and hidden for a while.
Needs isfp[train].
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from isfp import IsfpError, Segmenter
from isfp.video.metrics import flicker, lag, overlap
from isfp.video.smoother import Smoother
from isfp_train import seeds
from isfp_train.data.scenes.moving import Clip, MovingScenes

WAYS = ("each frame alone", "smoothed")


def main(
    bundle: Path,
    scenes: Annotated[int, typer.Option(min=1, help="Scenes, each once for every kind of clip.")] = 20,
    length: Annotated[int, typer.Option(min=6, help="Frames of a clip.")] = 16,
    speed: Annotated[float, typer.Option(help="Of moving things, pixels a frame of 320 x 240.")] = 4.0,
    noise: Annotated[float, typer.Option(help="Standard deviation of the sensor's noise, grey values.")] = 6.0,
    seed: Annotated[int, typer.Option(help="Of the first scene.")] = seeds.CLIPS.start,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")] = False,
) -> None:
    maker = MovingScenes(noise=noise)
    rows: list[dict[str, Any]] = []
    with Segmenter(bundle) as segmenter:
        for number in track(range(seed, seed + scenes), "Scenes", console=Console(stderr=True)):
            for motion in ("still", "moving", "hidden"):
                clip = maker.clip(number, motion, length, speed)
                rows.append({"motion": motion, **measure(segmenter, clip)})
    report = {way: summary(rows, way) for way in WAYS}
    if as_json:
        print(json.dumps({"bundle": str(bundle), "scenes": scenes, "length": length, "speed": speed, "noise": noise, **report}))
        return
    table = Table("", *WAYS, title=f"{bundle}: {scenes} scenes, {length} frames a clip")
    for name in report[WAYS[0]]:
        table.add_row(name, *("-" if report[way][name] is None else f"{report[way][name]:.3f}" for way in WAYS))
    Console().print(table)


def measure(segmenter: Segmenter, clip: Clip) -> dict[str, dict[str, float]]:
    """Run one clip both ways: what each gives, by name."""
    frames = [np.ascontiguousarray(frame[..., ::-1]) for frame in clip.frames]
    smoother = Smoother(segmenter)
    results = {
        WAYS[0]: [segmenter.run(frame, clip.text) for frame in frames],
        WAYS[1]: [smoother.run(frame, clip.text) for frame in frames],
    }
    masks = {way: [result.mask for result in run] for way, run in results.items()}
    there = clip.masks.any(axis=(1, 2))
    measured = {}
    for way, run in results.items():
        found = np.array([result.found for result in run])
        values = {
            "IoU": float(np.mean([overlap(m, t) for m, t, is_there in zip(masks[way], clip.masks, there, strict=True) if is_there]))
        }
        if clip.motion == "still":
            values["flicker"] = flicker(masks[way])
            values["switches"] = float(np.count_nonzero(found[1:] != found[:-1]))
        elif clip.motion == "moving":
            values["lag"] = lag(masks[way], masks[WAYS[0]], clip.velocity)
        else:
            back = int(np.flatnonzero(~there)[-1]) + 1
            before = found[: int(np.flatnonzero(~there)[0])].all()
            again = np.flatnonzero(found[back:])
            values["late"] = float(again[0]) if before and len(again) else float("nan")
            values["lost"] = float(before and not len(again))
        measured[way] = values
    return measured


def summary(rows: list[dict[str, Any]], way: str) -> dict[str, float | None]:
    """Means over the clips, by what a person calls them; None where no clip says anything."""

    def mean(motion: str, name: str) -> float | None:
        values = [row[way][name] for row in rows if row["motion"] == motion and not np.isnan(row[way][name])]
        return float(np.mean(values)) if values else None

    return {
        "still: flicker, mean 1 - IoU of consecutive masks": mean("still", "flicker"),
        "still: times a clip that found and not found change": mean("still", "switches"),
        "still: IoU with the truth": mean("still", "IoU"),
        "moving: frames behind the masks of each frame alone": mean("moving", "lag"),
        "moving: IoU with the truth": mean("moving", "IoU"),
        "hidden: frames until found again": mean("hidden", "late"),
        "hidden: share of clips never found again": mean("hidden", "lost"),
    }


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"flicker: {error}")
