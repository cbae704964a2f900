"""How fast a configuration trains, and what stored backbone maps and steps without masks give: python tools/bench_training.py

Takes the network, losses, samples and batch of each configuration, by default of both published sizes, and scenes drawn by code,
which it stores in a temporary folder. A step is all that a step of `isfp train` does: it reads the samples, computes the losses and
their gradients, and moves the weights. The backbone is frozen, with random weights. Needs pip install "isfp[train]".
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table

from isfp.errors import IsfpError
from isfp.runtimes.threads import usable_cores
from isfp.steps.phrase import Vocabulary
from isfp_train import seeds
from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.data.store.prepare import prepare
from isfp_train.data.store.store import Store
from isfp_train.data.store.stream import SceneSamples, collate
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.network.backbone import Backbone
from isfp_train.run.config import TrainConfig
from isfp_train.run.module import ReferringModule
from turns import WARNING, Task, clocked, conditions, take_turns

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = [ROOT / "configs" / "edge.yaml", ROOT / "configs" / "paper.yaml"]
SCENES = 24
#: Whether the backbone's maps are stored, and whether the step trains masks, by the name of the step.
STEPS = {
    "maps computed, masks": (False, True),
    "maps computed, no masks": (False, False),
    "maps stored, masks": (True, True),
    "maps stored, no masks": (True, False),
}
BASELINE = "maps computed, masks"


def main(
    configs: Annotated[
        list[Path] | None, typer.Argument(help="Configurations.", show_default="those of edge and of the paper")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measured steps of each kind.")] = 5,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for one on each core that may be used.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    used = threads or usable_cores()
    report = conditions(used)
    torch.set_num_threads(used)
    found: dict[str, Any] = {}
    for path in configs or PUBLISHED:
        config = TrainConfig.load(path)
        Console(stderr=True).print(f"Measuring {config.name}")
        found[config.name] = measure(config, rounds)
    if as_json:
        print(json.dumps({**report, "configurations": found}))
        return
    for name, row in found.items():
        title = f"{name}: {row['scenes']} scenes of {row['phrases']} phrases a step"
        table = Table("step", "median s", "scenes a second", "phrases a second", "times as fast", title=title)
        for step, timing in row["steps"].items():
            rates = (timing["scenes_per_second"], timing["phrases_per_second"], timing["speedup"])
            table.add_row(step, f"{timing['median'] / 1e3:.2f}", *(f"{rate:.2f}" for rate in rates))
        Console().print(table)
    print(f"{report['machine']}, {used} threads, {rounds} steps of each in turn" + (f"\n{WARNING}" if report["busy"] else ""))


def measure(config: TrainConfig, rounds: int) -> dict[str, Any]:
    """Measure the steps of a configuration; a sample is a phrase with its scene."""
    optimisation = replace(config.optimisation, freeze_backbone=True, train_detector=False)
    config = replace(config, optimisation=optimisation, samples=replace(config.samples, flip=0.0))
    torch.manual_seed(config.seed)
    words = Vocabulary.from_words(phrase_words())
    module = ReferringModule(config, list(words.words), list(range(2, len(words))))
    module.train()
    module.on_train_epoch_start()
    with TemporaryDirectory() as folder:
        tasks: dict[str, Task] = {}
        for stored in (False, True):
            samples = _samples(config, words, Path(folder) / str(stored), module.network.backbone if stored else None)
            for name, (maps, masks) in STEPS.items():
                if maps == stored:
                    tasks[name] = clocked(_step(module, samples, masks))
                    tasks[name]()  # Adam makes its state
        timings = take_turns(tasks, rounds, runs=1, warm_up=0)
    scenes, phrases = config.optimisation.batch_scenes, config.samples.phrases
    steps = {
        name: timing.to_json()
        | {
            "scenes_per_second": round(scenes / timing.median * 1e3, 3),
            "phrases_per_second": round(scenes * phrases / timing.median * 1e3, 3),
            "speedup": round(timings[BASELINE].median / timing.median, 3),
        }
        for name, timing in timings.items()
    }
    return {"scenes": scenes, "phrases": phrases, "steps": steps}


def _samples(config: TrainConfig, words: Vocabulary, folder: Path, backbone: Backbone | None) -> SceneSamples:
    network = config.network
    first = seeds.training(config.scene_seed).start
    source = [(ProceduralScenes(network.image_size), 1.0)]
    prepare(folder / "procedural", source, SCENES, first, network.image_size, {"kind": "procedural"}, backbone)
    return SceneSamples(Store(folder), words, config.samples, network.grid, network.max_words, config.seed, 0, SCENES)


def _step(module: ReferringModule, samples: SceneSamples, masks: bool) -> Callable[[], object]:
    settings, places = module.config.optimisation, cycle(range(len(samples)))
    optimiser = module.configure_optimizers()["optimizer"]

    def run() -> None:
        batch = collate([samples[next(places)] for _ in range(settings.batch_scenes)])
        if not batch.maps:
            with torch.no_grad():
                batch = batch._replace(maps=module.network.backbone(batch.views))
        optimiser.zero_grad()
        module.weighted(module.losses(batch, masks)).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
        optimiser.step()

    return run


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"bench_training: {error}")
