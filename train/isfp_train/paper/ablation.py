"""Table I and the switch of Section IV-E: every row is trained and measured with one budget, set of seeds and store of scenes."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from isfp.files.atomic_file import write_json
from isfp.files.json_text import json_text
from isfp.files.read_file import read_json
from isfp_train import seeds
from isfp_train.data.scenes.sources import scene_sources
from isfp_train.errors import ConfigurationError, DataFormatError
from isfp_train.measure.evaluation import Outcome, evaluate, generated_questions
from isfp_train.measure.predictors import CheckpointPredictor
from isfp_train.run import checkpoint
from isfp_train.run.config import TrainConfig
from isfp_train.run.runner import train
from isfp_train.run.scene_data import prepare_stores


@dataclass(frozen=True)
class Row:
    """One variant of the network: its name in the paper, and its changes."""

    title: str
    changes: dict[str, Any]


ROWS = {
    "baseline": Row("Baseline", {"identification": "none", "refinement": False}),
    "iem": Row("Baseline+IEM", {"identification": "convolution", "refinement": False}),
    "iem+fpm": Row("Baseline+IEM+FPM", {"identification": "fpm", "refinement": False}),
    "iem+rm": Row("Baseline+IEM+RM", {"identification": "convolution", "refinement": True}),
    "all": Row("Baseline+IEM+FPM+RM", {"identification": "fpm", "refinement": True}),
    "no-language": Row(
        "all, no language in the Segmentation Branch",
        {"identification": "fpm", "refinement": True, "segmentation_language": "none"},
    ),
    "guided": Row(
        "all, a guided filter in the RM (ours)",
        {"identification": "fpm", "refinement": True, "refinement_guided": True},
    ),
    "film": Row(
        "Baseline+IEM+FPM, the phrase in the IEM's convolutions (FiLM, ours)",
        {"identification": "fpm", "refinement": False, "identification_film": True},
    ),
    "at-grid": Row(
        "Baseline+IEM+FPM, fusion at S×S (ours)",
        {"identification": "fpm", "refinement": False, "fusion_at_grid": True},
    ),
    "bounded": Row(
        "all, masks bounded by a network per cell (ours)",
        {"identification": "fpm", "refinement": True, "conditional_masks": 8},
    ),
}


@dataclass(frozen=True)
class Budget:
    """The budget of every row.

    Attributes:
        scenes: number of scenes seen in training, counted with repetition.
        test_scenes: number of scenes to measure on: the held-out split, with the seeds of `isfp eval`.
        by_row: different numbers of training scenes for some rows, so that all take the same time.
    """

    scenes: int
    test_scenes: int
    by_row: Mapping[str, int] = field(default_factory=dict)

    def scenes_for(self, row: str) -> int:
        """Number of scenes that a row sees in training."""
        return self.by_row.get(row, self.scenes)


def equal_time(budget: Budget, earlier: Mapping[str, Any]) -> Budget:
    """Give every row the time of the slowest, from the speeds that an earlier ablation (`ablation_table.summary`) recorded.

    Raises:
        ConfigurationError: the earlier ablation has no times.
    """
    pace = {}  # seconds a scene
    for row, content in earlier["rows"].items():
        times = [seconds for seconds in content["seconds"].values() if seconds is not None]
        if times:
            pace[row] = sum(times) / len(times) / content["scenes"]
    if not pace:
        raise ConfigurationError(
            "The earlier ablation has no times, because all its runs were resumed. Run one without an interruption."
        )
    return replace(budget, by_row={row: round(budget.scenes * max(pace.values()) / value) for row, value in pace.items()})


@dataclass(frozen=True)
class MeasuredRow:
    """One row with one seed.

    Attributes:
        seconds: training time on this machine; None if the run was interrupted and resumed.
        outcomes: outcomes on the test scenes, which are the same for every row and seed.
    """

    row: str
    seed: int
    seconds: float | None
    outcomes: list[Outcome]


def variant(base: TrainConfig, row: str, seed: int, scenes: int) -> TrainConfig:
    """The configuration of one row: the base, the row's changes, the seed and the budget; the scenes stay the base's.

    Raises:
        ConfigurationError: the row does not exist, or the budget is smaller than a batch.
    """
    if row not in ROWS:
        raise ConfigurationError(f"There is no row {row!r}; expected any of {', '.join(ROWS)}.")
    settings = base.optimisation
    if scenes < settings.batch_scenes:
        raise ConfigurationError(f"The budget is {scenes} scenes; expected at least one batch, {settings.batch_scenes}.")
    epochs = max(1, round(scenes / settings.epoch_scenes))
    epoch = max(1, scenes // epochs // settings.batch_scenes) * settings.batch_scenes
    shrunk = epochs / settings.epochs
    optimisation = replace(
        settings,
        epochs=epochs,
        epoch_scenes=epoch,
        steps=tuple(max(1, round(step * shrunk)) for step in settings.steps),
        warm_up=min(settings.warm_up, max(1, epochs * epoch // settings.batch_scenes // 10)),
    )
    return replace(
        base,
        name=f"{base.name}-{row}-{seed}",
        seed=seed,
        network=replace(base.network, **ROWS[row].changes),
        data=replace(base.data, seed=base.scene_seed),
        optimisation=optimisation,
    )


def ablate(
    base: TrainConfig,
    rows: Sequence[str],
    seeds: Sequence[int],
    budget: Budget,
    out: Path,
    data: Path | None = None,
    cache: Path | None = None,
    workers: int = 0,
    say: Callable[[str], None] = print,
) -> list[MeasuredRow]:
    """Train and measure every row with every seed. Finished runs in `out` are kept, and interrupted ones are resumed.

    Args:
        base: network sizes, losses, samples and data that all rows share.
        rows: names in `ROWS`.
        seeds: seeds of weights and sampling; the scenes are the same for all.
        budget: see `Budget`.
        out: folder of the results; each run is in `<out>/<row>/seed-<n>`.
        data: as in `runner.train`.
        cache: folder of the scenes; by default `<out>/cache`.
        workers: number of loader processes.
        say: receives progress messages.

    Raises:
        ConfigurationError: a row does not exist, or `out` contains a run with other settings.
        WriteError: a result cannot be written.
    """
    configs = {(row, seed): variant(base, row, seed, budget.scenes_for(row)) for seed in seeds for row in rows}
    cache = cache or out / "cache"
    prepare_stores(next(iter(configs.values())), data, cache, workers)
    found = []
    for (row, seed), config in configs.items():
        folder = out / row / f"seed-{seed}"
        wanted = {"config": config.to_dict(), "test_scenes": budget.test_scenes}
        kept = _finished(folder, wanted)
        if kept is None:
            say(f"{row}, seed {seed}: {config.optimisation.epochs} epochs of {config.optimisation.epoch_scenes} scenes")
            kept = _run(config, folder, wanted, data, cache, workers)
        else:
            say(f"{row}, seed {seed}: already finished")
        found.append(MeasuredRow(row, seed, kept["seconds"], [_outcome(outcome) for outcome in kept["outcomes"]]))
    return found


#: What a folder of an ablation holds, for errors about its files.
_OWN = "what this command wrote there: remove the folder of this row, and run the command again"


def _finished(folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    begun = folder / "settings.json"
    if begun.is_file() and read_json(begun, _OWN, DataFormatError) != _plain(wanted):
        raise ConfigurationError(f"{folder} contains a run with other settings. Give another --out folder, or remove this one.")
    result = folder / "result.json"
    return read_json(result, _OWN, DataFormatError) if result.is_file() else None


def _run(
    config: TrainConfig, folder: Path, wanted: Mapping[str, Any], data: Path | None, cache: Path, workers: int
) -> dict[str, Any]:
    resumed = (folder / "checkpoints" / "last.ckpt").exists()
    write_json(folder / "settings.json", wanted)
    start = time.monotonic()
    last = train(config, folder, data, cache, resume=True, workers=workers, progress=False)
    seconds = None if resumed else time.monotonic() - start
    predictor = CheckpointPredictor(checkpoint.load(last))
    sources = list(scene_sources(config.data.shares, data, predictor.size, "held_out").values())
    outcomes = evaluate(predictor, generated_questions(sources, wanted["test_scenes"], seeds.TEST.start))
    result = {"seconds": seconds, "outcomes": [asdict(outcome) for outcome in outcomes]}
    write_json(folder / "result.json", result)
    return _plain(result)


def _outcome(content: Mapping[str, Any]) -> Outcome:
    """Read an outcome; JSON has null for the NaN score of a network that diverged."""
    return Outcome(**{**content, "score": math.nan if content["score"] is None else content["score"]})


def _plain(value: Any) -> Any:
    return json.loads(json_text(value))
