"""Every use of generated scenes has seeds of its own."""

from __future__ import annotations

import ast
from itertools import combinations, pairwise

import pytest

from isfp_train import seeds
from tests.paths import ROOT

RANGES = {name: value for name, value in vars(seeds).items() if isinstance(value, range)}


@pytest.mark.parametrize(("one", "other"), list(combinations(RANGES, 2)))
def test_no_two_uses_share_a_seed(one: str, other: str) -> None:
    first, second = sorted((RANGES[one], RANGES[other]), key=lambda found: found.start)
    assert first.stop <= second.start


def test_runs_share_the_training_range_without_overlap() -> None:
    runs = [seeds.training(run) for run in range(seeds.RUNS)]
    assert all(one.stop == other.start for one, other in pairwise(runs))
    assert (runs[0].start, runs[-1].stop) == (seeds.TRAINING.start, seeds.TRAINING.stop)


def test_no_other_file_has_a_scene_seed_of_its_own() -> None:
    """Numbers as large as the first seed after training stand in seeds.py alone."""
    found = []
    for folder in ("train", "export", "tools", "samples"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "seeds.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value % seeds.SCENES == 0 < node.value:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}")
    assert not found
