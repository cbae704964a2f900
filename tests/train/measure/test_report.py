"""Figures against hand-made cases, and their intervals against what intervals must do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from isfp_train.measure import bootstrap
from isfp_train.measure.evaluation import Outcome
from isfp_train.measure.report import intervals, losses, ratios, reliability, report, tables
from isfp_train.run.metrics import summarise


def there(
    intersection: int, union: int, score: float = 0.9, cell_correct: bool = True, scene: int = 0, kind: str = "unique"
) -> Outcome:
    return Outcome("photo", kind, True, intersection, union, cell_correct, score, scene)


def nothing(shown: int, score: float, scene: int = 0) -> Outcome:
    return Outcome("photo", "absent", False, 0, shown, False, score, scene)


def random_outcomes(count: int = 60, scenes: int = 15) -> list[Outcome]:
    rng = np.random.default_rng(0)
    return [
        there(int(rng.integers(0, 50)), int(rng.integers(50, 100)), float(rng.random()), bool(rng.random() < 0.5), n % scenes)
        for n in range(count)
    ]


def test_figures_equal_the_ones_of_training() -> None:
    outcomes = random_outcomes()
    column = {name: torch.tensor([float(getattr(o, name)) for o in outcomes]) for name in ("intersection", "union", "cell_correct")}
    wanted = summarise(column["intersection"].double(), column["union"].double(), column["cell_correct"])
    shown = report(outcomes, 0.5)["all"]
    assert {name: shown[name] for name in wanted} == pytest.approx(wanted)


def test_grefcoco_figures_by_hand() -> None:
    """One object half found; one found but scored away; a "not there" that is right, and one that shows 30 pixels."""
    outcomes = [there(50, 100), there(80, 100, score=0.2), nothing(40, 0.1), nothing(30, 0.8)]
    shown = report(outcomes, 0.5)["all"]
    assert shown["gIoU"] == pytest.approx(100 * (0.5 + 0 + 1 + 0) / 4)
    assert shown["cIoU"] == pytest.approx(100 * 50 / (100 + 100 + 0 + 30))
    assert shown["absent"] == pytest.approx(50)
    assert shown["missed"] == pytest.approx(50)
    assert shown["mIoU"] == pytest.approx(65)  # the threshold plays no part in the paper's figures


def test_answered_counts_what_is_refused_as_nothing() -> None:
    shown = report([there(50, 100), there(80, 100, score=0.2), nothing(0, 0.1)], 0.5)["all"]
    assert shown["answered"] == pytest.approx((50 + 0) / 2)
    assert shown["answered"] < shown["mIoU"]


def test_each_phrase_is_lost_in_one_place() -> None:
    outcomes = [
        replace(there(80, 100), chose="target"),
        replace(there(80, 100, kind="order"), chose="target"),
        replace(there(40, 100), chose="target"),
        replace(there(90, 100, score=0.1), chose="target"),
        replace(there(0, 100), chose="rival"),
        replace(there(0, 100, score=0.1), chose="other"),
        replace(there(0, 100), chose="nothing"),
        nothing(30, 0.9),  # what is not there is not lost
    ]
    lost = losses(outcomes, 0.5)
    assert lost["all"].pop("count") == 7
    shares = {"good mask": 2, "bad mask": 1, "refused": 1, "rival": 1, "other kind": 1, "nothing": 1}
    assert lost["all"] == pytest.approx({name: 100 * count / 7 for name, count in shares.items()})
    assert lost["phrase: order"]["good mask"] == 100
    assert "phrase: absent" not in lost


def test_what_a_score_means_is_counted_among_the_answers_with_such_a_score() -> None:
    outcomes = [
        replace(there(80, 100, score=0.85), chose="target"),
        replace(there(40, 100, score=0.8), chose="target"),
        replace(there(90, 100, score=1.0), chose="rival"),
        nothing(30, 0.9),
        replace(there(80, 100, score=0.1), chose="target"),
    ]
    assert reliability(outcomes) == {
        "0.0 to 0.2": {"there": 100, "right object": 100, "good mask": 100, "answers": 1},
        "0.8 to 1.0": {"there": 75, "right object": 50, "good mask": 25, "answers": 4},
    }


def test_empty_mask_is_an_answer_of_not_there() -> None:
    assert report([nothing(0, 0.9), there(1, 1)], 0.5)["all"]["absent"] == 100


def test_baseline_that_chooses_no_cell_has_no_cell_figure() -> None:
    assert "cell" not in report([Outcome("photo", "unique", True, 1, 2, None, 0.9)], 0.5)["all"]


def test_same_seed_gives_the_same_intervals_and_they_hold_the_figure() -> None:
    outcomes = random_outcomes()
    one, other = intervals(outcomes, 0.5), intervals(outcomes, 0.5)
    assert one == other
    for name, (low, high) in one["all"].items():
        assert low <= report(outcomes, 0.5)["all"][name] <= high, name


def test_interval_of_a_mean_is_as_wide_as_its_standard_error_says() -> None:
    """Independent scenes of one phrase each: ± 1.96 standard errors."""
    rng = np.random.default_rng(1)
    ious = rng.integers(0, 100, 400)
    outcomes = [there(int(iou), 100, scene=n) for n, iou in enumerate(ious)]
    low, high = intervals(outcomes, 0.5)["all"]["mIoU"]
    assert high - low == pytest.approx(2 * 1.96 * ious.std() / np.sqrt(len(ious)), rel=0.1)


def test_phrases_of_one_scene_count_as_one_draw() -> None:
    """Twenty equal phrases a scene say no more than one: the interval stays as wide."""
    rng = np.random.default_rng(2)
    ious = rng.integers(0, 100, 50)
    single = [there(int(iou), 100, scene=n) for n, iou in enumerate(ious)]
    many = [outcome for outcome in single for _ in range(20)]
    assert intervals(many, 0.5)["all"]["mIoU"] == pytest.approx(intervals(single, 0.5)["all"]["mIoU"])


def test_difference_of_models_asked_the_same_is_sharper_than_their_intervals() -> None:
    outcomes = random_outcomes()
    better = [there(o.intersection + 3, o.union, o.score, bool(o.cell_correct), o.scene) for o in outcomes]
    scenes = np.array([o.scene for o in outcomes])
    low, high = bootstrap.difference(ratios(outcomes, 0.5), ratios(better, 0.5), scenes)["mIoU"]
    assert 0 < low < high
    assert high - low < np.diff(intervals(outcomes, 0.5)["all"]["mIoU"]) / 3


def test_tables_fit_eighty_columns() -> None:
    from rich.console import Console

    outcomes = [*random_outcomes(), nothing(3, 0.2)]
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for table in tables(report(outcomes, 0.5), intervals(outcomes, 0.5), "model"):
        console.print(table)
    text = console.export_text()
    assert "…" not in text
    assert all(name in text for name in ("mIoU", "Pr@0.9", "N-acc", "gIoU", "95 % from"))
