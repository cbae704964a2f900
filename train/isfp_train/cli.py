"""The commands `isfp train`, `isfp eval`, `isfp ablate` and `isfp sheet`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from isfp.cli.options import JsonOption, RuntimeOption, ThreadsOption
from isfp.cli.output import print_json
from isfp.files.atomic_file import refuse_input, write_bytes, write_json
from isfp.files.read_file import read_json

if TYPE_CHECKING:
    from isfp_train.measure.evaluation import SceneQuestion

# The allocator reads these when a process starts. They make it keep large blocks, which it would otherwise release and allocate
# again in every step: on a CPU, page faults took most of a step's time.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_MMAP_THRESHOLD_": "4294967296"}


FREE_SIZE = 320  # pixels of the longer side of the scenes with free phrases


DataOption = Annotated[
    str,
    typer.Option(
        help="Data folder (docs/training.md), or refcoco=FOLDER, refcoco+=FOLDER, refcocog=FOLDER, grefcoco=FOLDER.",
        show_default="none, and scenes drawn by code",
    ),
]
SharesOption = Annotated[
    str,
    typer.Option(
        help='Share of each kind of scene, such as "composed=0.5,photo=0.5".',
        show_default="composed=0.5,photo=0.3,procedural=0.2 with a data folder",
    ),
]
WordingOption = Annotated[
    str, typer.Option(help='Wordings of generated phrases: "train", or "held_out", which training never uses.')
]
PairsOption = Annotated[
    str,
    typer.Option(
        help='Pairs of a colour and an object in generated phrases: "train", or "held_out", which training never uses.',
    ),
]
PhrasesOption = Annotated[
    str,
    typer.Option(
        help='"made": generated from the scenes; "human": written by people about photos; "free": written about generated scenes.'
    ),
]
SplitOption = Annotated[
    str,
    typer.Option(
        help='"held_out": sprites, photos and cut-outs that training never sees; "train"; or a split of RefCOCO.',
        show_default="held_out; for RefCOCO val",
    ),
]
CountOption = Annotated[int | None, typer.Option(min=1, help="Number of scenes.", show_default="300, or all photos of a split")]
CacheOption = Annotated[
    Path | None, typer.Option(help="Folder for scenes and backbone maps.", show_default="cache/ in the run's folder")
]
WorkersOption = Annotated[int, typer.Option(help="Data loader processes; 0 loads in the main process.")]
ModelArgument = Annotated[Path, typer.Argument(help="Checkpoint or bundle.")]


def train(
    config: Annotated[Path, typer.Argument(help="Configuration file, such as configs/edge.yaml.")],
    run: Annotated[Path | None, typer.Option(help="Folder for checkpoints and logs.", show_default="runs/NAME")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder (docs/training.md); for RefCOCO the root of its layout.")] = None,
    cache: CacheOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the run's last checkpoint.")] = False,
    weights: Annotated[Path | None, typer.Option(help="Start from this checkpoint's weights (fine-tuning).")] = None,
    workers: WorkersOption = 0,
) -> None:
    """Train a network and write a checkpoint after each epoch. Run it under torchrun to use several GPUs."""
    _keep_memory()
    from isfp_train.run.config import TrainConfig
    from isfp_train.run.processes import Processes
    from isfp_train.run.runner import train as run_training

    settings = TrainConfig.load(config)
    last = run_training(settings, run or Path("runs") / settings.name, data, cache, resume, weights, workers)
    if Processes.of_torchrun().rank == 0:
        Console(stderr=True).print(f"Weights: {last}\nNext: isfp export {last} --out {settings.name}.isfp")


def evaluate(
    model: ModelArgument,
    data: DataOption = "",
    shares: SharesOption = "",
    scenes: CountOption = None,
    split: SplitOption = "",
    wording: WordingOption = "train",
    pairs: PairsOption = "train",
    phrases: PhrasesOption = "made",
    oracle: Annotated[
        str, typer.Option(help='Table II of the paper: "location" provides the true cell, "mask" the true masks.')
    ] = "",
    no_refinement: Annotated[bool, typer.Option("--no-refinement", help="Use enlarged coarse masks (checkpoints only).")] = False,
    threshold: Annotated[
        float | None, typer.Option(help="Minimum score for a match, 0 to 1.", show_default="the model's own")
    ] = None,
    mask_threshold: Annotated[float, typer.Option(help="Minimum probability of a mask pixel; a bundle uses its own.")] = 0.5,
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = 0,
    paper: Annotated[bool, typer.Option("--paper", help="Also print the paper's Tables I to IV.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on data held out from training: masks, cells and absent objects, with 95 % intervals."""
    from isfp_train.measure import report
    from isfp_train.measure.evaluation import evaluate as run_evaluation
    from isfp_train.measure.oracle import ORACLES
    from isfp_train.measure.predictors import CheckpointPredictor, open_model
    from isfp_train.paper.paper_tables import paper_tables

    if oracle not in ORACLES:
        raise typer.BadParameter(f'{oracle!r}; expected "location" or "mask"', param_hint="--oracle")
    predictor = open_model(model, refinement=not no_refinement, threads=threads, runtime=runtime)
    if isinstance(predictor, CheckpointPredictor):
        predictor.mask_threshold = mask_threshold
    asked = _test_set(data, shares, scenes, split, wording, pairs, predictor.size, phrases)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Scenes", total=asked.count)
        outcomes = run_evaluation(predictor, asked.questions, lambda: progress.advance(task), ORACLES[oracle])
    bar = predictor.threshold if threshold is None else threshold
    result, ends, lost = report.report(outcomes, bar), report.intervals(outcomes, bar), report.losses(outcomes, bar)
    meant = report.reliability(outcomes)
    about = {"model": str(model), **asked.about, "oracle": oracle or None, "refinement": not no_refinement, "threshold": bar}
    if as_json:
        print_json({**about, "report": result, "intervals": ends, "losses": lost, "reliability": meant})
        return
    console = Console()
    switches = "".join([f", oracle {oracle}" if oracle else "", ", coarse masks" if no_refinement else ""])
    title = f"{model}, percent\n{asked.title}{switches}"
    for table in (*report.tables(result, ends, title, lost, meant), *(paper_tables() if paper else [])):
        console.print(table, "")


@dataclass(frozen=True)
class _TestSet:
    """What a model is tested on: the questions, the number of scenes, and both in words."""

    questions: Iterator[SceneQuestion]
    count: int
    title: str
    about: Mapping[str, object]


def _test_set(
    data: str, shares: str, scenes: int | None, split: str, wording: str, pairs: str, size: int, phrases: str = "made"
) -> _TestSet:
    from isfp_train import seeds
    from isfp_train.data.refcoco.layout import DATASETS
    from isfp_train.data.refcoco.refcoco import RefCoco, RefCocoScenes
    from isfp_train.data.scenes.annotated import PHOTO_SIZE, AnnotatedPhotos, only_written
    from isfp_train.data.scenes.sources import photo_sets, scene_sources
    from isfp_train.measure.evaluation import generated_questions, written_questions
    from isfp_train.measure.free_phrases import free_questions, read_free

    name, _, folder = data.partition("=")
    if name in DATASETS and folder:
        photos = RefCocoScenes(RefCoco(name, Path(folder)), split or "val")
        scenes = min(scenes or len(photos), len(photos))
        about = {"scenes": scenes, "dataset": name, "split": photos.split}
        return _TestSet(written_questions(photos, scenes), scenes, f"{name} {photos.split}, {scenes} photos", about)
    if phrases not in ("made", "human", "free"):
        raise typer.BadParameter(f'{phrases!r}; expected "made", "human" or "free"', param_hint="--phrases")
    if phrases != "made" and not data:
        raise typer.BadParameter(f"{phrases!r} needs --data, the folder with the photos", param_hint="--phrases")
    if phrases == "free":
        (composed, _) = scene_sources({"composed": 1.0}, Path(data), FREE_SIZE, "held_out")["composed"]
        free = read_free()[:scenes]
        scenes = len(free)
        about = {"scenes": scenes, "split": "held_out", "phrases": phrases}
        return _TestSet(free_questions(composed, free), scenes, f"{scenes} held_out scenes, free phrases", about)
    if phrases == "human":
        split = split or "held_out"
        told = AnnotatedPhotos(only_written(photo_sets(Path(data), split, "data")), PHOTO_SIZE, augment=False)
        scenes = min(scenes or len(told), len(told))
        about = {"scenes": scenes, "split": split, "phrases": phrases}
        return _TestSet(written_questions(told, scenes), scenes, f"{scenes} {split} photos, phrases that people wrote", about)
    scenes, split = scenes or 300, split or "held_out"

    chosen = _shares(shares) or ({"composed": 0.5, "photo": 0.3, "procedural": 0.2} if data else {"procedural": 1.0})
    sources = list(scene_sources(chosen, Path(data) if data else None, size, split).values())
    about = {"scenes": scenes, "shares": chosen, "split": split, "wording": wording, "pairs": pairs}
    asked = generated_questions(sources, scenes, seeds.TEST.start, wording=wording, pairs=pairs)
    return _TestSet(asked, scenes, f"{scenes} {split} scenes, {wording} wording, {pairs} pairs of colour and object", about)


def ablate(
    config: Annotated[Path, typer.Argument(help="Configuration that all rows share, such as configs/ablation.yaml.")],
    rows: Annotated[
        str,
        typer.Option(
            help='Rows, such as "iem,iem+fpm": baseline, iem, iem+fpm, iem+rm, all, no-language, guided.', show_default="every row"
        ),
    ] = "",
    seeds: Annotated[str, typer.Option(help="Seeds of weights and sampling, separated by commas.")] = "0,1",
    budget_scenes: Annotated[int, typer.Option(min=1, help="Scenes that each row sees in training.")] = 12000,
    equal_time: Annotated[
        Path | None,
        typer.Option(help="ablation.json of an earlier ablation on this machine: train every row for as long as its slowest row."),
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Held-out scenes to measure each row on.")] = 300,
    out: Annotated[Path, typer.Option(help="Folder for runs, ablation.json and ablation.md.")] = Path("runs/ablation"),
    data: Annotated[Path | None, typer.Option(help="Data folder (docs/training.md).")] = None,
    cache: CacheOption = None,
    workers: WorkersOption = 0,
) -> None:
    """Train and measure the rows of the paper's Table I with one budget. Run it again to resume."""
    try:
        numbers = [int(seed) for seed in seeds.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{seeds!r}; expected something like 0,1", param_hint="--seeds") from None
    table, text = out / "ablation.json", out / "ablation.md"
    for path in (table, text):
        refuse_input(path, config, equal_time)
    _keep_memory()
    from isfp_train.paper import ablation
    from isfp_train.paper.ablation import ROWS, Budget
    from isfp_train.paper.ablation_table import markdown, summary
    from isfp_train.run.config import TrainConfig

    budget, messages = Budget(budget_scenes, scenes), Console(stderr=True)
    if equal_time is not None:
        budget = ablation.equal_time(budget, read_json(equal_time, "the ablation.json of another ablation"))
    chosen = rows.split(",") if rows else list(ROWS)
    measured = ablation.ablate(TrainConfig.load(config), chosen, numbers, budget, out, data, cache, workers, messages.print)
    content = summary(measured, budget)
    write_json(table, content, indent=1)
    write_bytes(text, markdown(content).encode("utf-8"))
    print(markdown(content))
    messages.print(f"Wrote {table} and {text}")


def sheet(
    model: ModelArgument,
    out: Annotated[Path, typer.Option(help="Picture to write, .png or .jpg.")],
    data: DataOption = "",
    shares: SharesOption = "",
    split: SplitOption = "",
    wording: WordingOption = "train",
    pairs: PairsOption = "train",
    phrases: PhrasesOption = "made",
    count: Annotated[int, typer.Option(min=1, help="Number of test cases.")] = 24,
    show_worst: Annotated[bool, typer.Option("--worst", help="Draw the lowest IoUs among --scenes scenes.")] = False,
    scenes: Annotated[int | None, typer.Option(min=1, help="Scenes that --worst searches.", show_default="300")] = None,
    columns: Annotated[int, typer.Option(min=1, help="Test cases per row.")] = 4,
    threads: ThreadsOption = 0,
) -> None:
    """Draw a model's answers to held-out test cases: true outline (green), mask (tint) and identifying map."""
    from isfp import pictures
    from isfp_train.measure import sheets
    from isfp_train.measure.predictors import open_model

    refuse_input(out, model)
    pictures.check_ending(out)
    predictor = open_model(model, threads=threads)
    asked = _test_set(data, shares, scenes if show_worst else 3 * count, split, wording, pairs, predictor.size, phrases)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Scenes", total=asked.count)
        if show_worst:
            cases = sheets.worst(predictor, asked.questions, count, lambda: progress.advance(task))
        else:
            cases = sheets.as_they_come(predictor, asked.questions, count)
    pictures.write(out, sheets.sheet(cases, predictor, columns))
    Console(stderr=True).print(f"Wrote {out} ({len(cases)} cases, {asked.title})", highlight=False, soft_wrap=True)


def _keep_memory() -> None:
    if not all(name in os.environ for name in ALLOCATOR):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**ALLOCATOR, **os.environ})


def _shares(text: str) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in (part.split("=") for part in text.split(",") if part)}
    except ValueError:
        raise typer.BadParameter(f"{text!r}; expected something like composed=0.5,photo=0.5") from None
