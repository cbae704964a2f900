"""The commands `isfp train` and `isfp eval`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

# The allocator reads these when a process starts: with them it keeps large blocks, which would otherwise be given back and
# fetched again in every step. Page faults took most of a step's time on a CPU.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_MMAP_THRESHOLD_": "4294967296"}


def train(
    config: Annotated[Path, typer.Argument(help="Configuration, such as configs/edge.yaml.")],
    run: Annotated[Path | None, typer.Option(help="Folder for checkpoints and logs [runs/NAME].")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with sprites/, coco_train/, backgrounds/.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for scenes and backbone maps [RUN/cache].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
    weights: Annotated[Path | None, typer.Option(help="Start from this checkpoint's network (fine-tuning).")] = None,
    workers: Annotated[int, typer.Option(help="Loader processes; 0 loads in this one.")] = 0,
) -> None:
    """Train a network, and write a checkpoint after each epoch."""
    if not all(name in os.environ for name in ALLOCATOR):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**ALLOCATOR, **os.environ})
    from isfp_train.config import TrainConfig
    from isfp_train.runner import train as run_training

    settings = TrainConfig.load(config)
    last = run_training(settings, run or Path("runs") / settings.name, data, cache, resume, weights, workers)
    Console(stderr=True).print(f"Weights: {last}\nNext: isfp export {last} --out {settings.name}.isfp")


def evaluate(
    model: Annotated[Path, typer.Argument(help="A checkpoint or a bundle.")],
    data: Annotated[Path | None, typer.Option(help="Folder with sprites/, coco_train/, backgrounds/.")] = None,
    shares: Annotated[str, typer.Option(help='Shares of the kinds of scenes, such as "composed=0.5,photo=0.5".')] = "",
    scenes: Annotated[int, typer.Option(help="How many scenes.")] = 300,
    split: Annotated[str, typer.Option(help='"held_out": sprites, photos and cut-outs never trained on; or "train".')] = "held_out",
    wording: Annotated[str, typer.Option(help='"train", or "held_out": wordings never trained on.')] = "train",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a model on scenes with unseen seeds: mIoU, oIoU, Precision@X, cells, absences."""
    from isfp_train.data.sources import scene_sources
    from isfp_train.evaluation import TEST_SEED, questions, report
    from isfp_train.evaluation import evaluate as run_evaluation
    from isfp_train.predictors import open_model

    predictor = open_model(model)
    chosen = _shares(shares) or ({"composed": 0.5, "photo": 0.3, "procedural": 0.2} if data else {"procedural": 1.0})
    sources = scene_sources(chosen, data, predictor.size, split)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Scenes", total=scenes)
        asked = questions(sources, scenes, TEST_SEED, wording=wording)
        outcomes = run_evaluation(predictor, asked, lambda: progress.advance(task))
    result = report(outcomes, predictor.threshold)
    if as_json:
        about = {"model": str(model), "scenes": scenes, "shares": chosen, "split": split, "wording": wording}
        print(json.dumps({**about, "threshold": predictor.threshold, "report": result}))
        return
    Console().print(_table(result, f"{model}: {scenes} {split} scenes, {wording} wording, percent"))


def _shares(text: str) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in (part.split("=") for part in text.split(",") if part)}
    except ValueError:
        raise typer.BadParameter(f"{text!r}; expected something like composed=0.5,photo=0.5") from None


def _table(result: dict[str, dict[str, float]], title: str) -> Table:
    names = [
        "mIoU",
        "oIoU",
        *(f"Pr@{x}" for x in (0.5, 0.6, 0.7, 0.8, 0.9)),
        "cell",
        "missed",
        "count",
        "absent",
        "absent count",
    ]
    table = Table(title=title)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for group, values in result.items():
        cells = [f"{values[name]:.{0 if 'count' in name else 1}f}" if name in values else "" for name in names]
        table.add_row(group, *cells)
    return table
