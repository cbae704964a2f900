"""An ablation really trains its rows, on the same scenes, and goes on where it was broken off."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from isfp.files.atomic_file import write_json
from isfp_train.errors import ConfigurationError
from isfp_train.measure.evaluation import Outcome
from isfp_train.paper.ablation import ROWS, Budget, MeasuredRow, ablate, equal_time, variant
from isfp_train.paper.ablation_table import markdown, summary
from isfp_train.paper.paper_tables import TABLE_I
from tests.train.tiny import tiny

BUDGET = Budget(scenes=8, test_scenes=4)


def test_rows_are_the_papers() -> None:
    assert [row.title for row in ROWS.values() if row.title in TABLE_I] == list(TABLE_I)
    parts = {name: variant(tiny(), name, 0, 8).network for name in ROWS}
    assert [(p.identification, p.refinement) for p in parts.values()] == [
        ("none", False), ("convolution", False), ("fpm", False), ("convolution", True), ("fpm", True), ("fpm", True),
        ("fpm", True), ("fpm", False), ("fpm", False), ("fpm", True),
    ]  # fmt: skip
    assert [name for name, p in parts.items() if p.segmentation_language == "none"] == ["no-language"]
    own = tiny().network.refinement_guided
    assert [p.refinement_guided for p in parts.values()] == [*[own] * 6, True, *[own] * 3]
    for row, switch in (("film", "identification_film"), ("at-grid", "fusion_at_grid"), ("bounded", "conditional_masks")):
        assert [name for name, p in parts.items() if getattr(p, switch)] == [row]


def test_every_row_and_seed_has_the_same_scenes_and_budget() -> None:
    base = tiny(epoch_scenes=8, epochs=10, schedule="steps", steps=(8, 9))
    for row in ROWS:
        for seed in (0, 1):
            config = variant(base, row, seed, 40)
            assert config.scene_seed == base.seed
            assert config.optimisation.epochs * config.optimisation.epoch_scenes == 40
            assert config.optimisation.steps == (4, 4)
            assert config.seed == seed
    with pytest.raises(ConfigurationError, match="batch"):
        variant(base, "all", 0, 3)
    with pytest.raises(ConfigurationError, match="baseline"):
        variant(base, "everything", 0, 40)


def test_equal_time_gives_faster_rows_more_scenes() -> None:
    earlier = {"rows": {"iem": {"scenes": 100, "seconds": {"0": 10.0, "1": None}}, "all": {"scenes": 100, "seconds": {"0": 40.0}}}}
    budget = equal_time(Budget(1000, 4), earlier)
    assert [budget.scenes_for(row) for row in ("iem", "all")] == [4000, 1000]
    assert variant(tiny(epoch_scenes=8), "iem", 0, budget.scenes_for("iem")).optimisation.epochs == 500
    with pytest.raises(ConfigurationError, match="without an interruption"):
        equal_time(budget, {"rows": {"all": {"scenes": 100, "seconds": {"0": None}}}})


@pytest.mark.parametrize("scenes", [8, 20, 37, 52, 100])
def test_budget_is_kept_to_less_than_a_batch_an_epoch(scenes: int) -> None:
    settings = variant(tiny(epoch_scenes=16), "all", 0, scenes).optimisation
    assert settings.epoch_scenes % settings.batch_scenes == 0
    assert 0 <= scenes - settings.epochs * settings.epoch_scenes < settings.epochs * settings.batch_scenes


@pytest.mark.slow
def test_ablation_trains_each_row_once_and_writes_its_table(tmp_path: Path) -> None:
    said: list[str] = []
    out, rows = tmp_path / "out", ["baseline", "all"]
    first = ablate(tiny(), rows, [0, 1], BUDGET, out, say=said.append)
    checkpoints = {path: path.stat().st_mtime_ns for path in out.glob("*/seed-*/checkpoints/last.ckpt")}
    assert len(checkpoints) == 4
    assert len({len(one.outcomes) for one in first}) == 1
    assert all(outcome.cell_correct is None for one in first if one.row == "baseline" for outcome in one.outcomes)

    (out / "all" / "seed-1" / "result.json").unlink()  # as if it had been broken off before it was measured
    second = ablate(tiny(), rows, [0, 1], BUDGET, out, say=said.append)
    assert [one.outcomes for one in second] == [one.outcomes for one in first]
    assert {path: path.stat().st_mtime_ns for path in checkpoints} == checkpoints
    assert sum("already finished" in text for text in said) == 3

    content = json.loads(json.dumps(summary(second, BUDGET)))
    text = markdown(content)
    assert "52.40" in text
    assert "65.19" in text
    assert set(content["rows"]) == set(rows)
    with pytest.raises(ConfigurationError, match="other settings"):
        ablate(tiny(learning_rate=0.5), rows, [0], BUDGET, out, say=said.append)


def test_the_result_of_a_network_that_diverged_is_read_back(tmp_path: Path) -> None:
    diverged, run = Outcome("photo", "unique", True, 0, 100, False, math.nan, 0), tmp_path / "all" / "seed-0"
    config = variant(tiny(), "all", 0, BUDGET.scenes_for("all"))
    write_json(run / "settings.json", {"config": config.to_dict(), "test_scenes": BUDGET.test_scenes})
    write_json(run / "result.json", {"seconds": None, "outcomes": [asdict(diverged)]})
    (one,) = ablate(tiny(), ["all"], [0], BUDGET, tmp_path)
    assert math.isnan(one.outcomes[0].score)
    assert summary([one], BUDGET)["rows"]["all"]["mean"]["missed"] == 100


def test_differences_are_those_of_the_same_phrases() -> None:
    def measured(row: str, seed: int, intersection: int) -> MeasuredRow:
        outcomes = [Outcome("photo", "unique", True, intersection + n, 100, True, 0.9, n) for n in range(10)]
        return MeasuredRow(row, seed, 60.0, outcomes)

    rows = [measured("iem", 0, 40), measured("iem", 1, 44), measured("iem+rm", 0, 50), measured("iem+rm", 1, 50)]
    (entry,) = summary(rows, BUDGET)["differences"]
    assert entry["claim"] == "RM"
    assert entry["value"]["mIoU"] == pytest.approx(8)
    assert entry["interval"]["mIoU"] == pytest.approx([8, 8])  # the scenes' luck is shared
    assert entry["mIoU by seed"] == pytest.approx({"0": 10, "1": 6})
    assert entry["paper"]["Pr@0.9"] == pytest.approx(4.0)
    assert "+8.0 (+8.0 to +8.0)" in markdown(summary(rows, BUDGET))
