"""The kernels' bodies, run by real threads of the host, give what the NumPy reference gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fpm_scan.reference import LEAKY_RELU, TANH
from tests.plugins.fpm_cases import TOLERANCE, Case, error_of

CASES = {
    **{f"grid {size}": Case(size=size, channels=40) for size in range(1, 17)},
    "grid 20, longer anti-diagonals than a tile": Case(phrases=2, size=20, channels=24, phrases_per_group=2),
    "4 phrases whose anti-diagonals share tiles": Case(phrases=4, size=13, phrases_per_group=4),
    "grid 33, more rows than two tiles": Case(size=33, channels=8, threads=3),
    **{f"{channels} channels": Case(size=13, channels=channels, slice_log2=6) for channels in (64, 128, 256)},
    "512 channels": Case(size=13, channels=512, slice_log2=7, threads=1),
    **{f"{channels} channels": Case(size=4, channels=channels) for channels in (1, 3, 31, 33, 37, 100, 200)},
    **{f"{phrases} phrases together": Case(phrases=phrases, size=7, phrases_per_group=phrases) for phrases in range(2, 9)},
    "8 phrases in uneven groups": Case(phrases=8, size=7, phrases_per_group=3),
    "one block a path, three tiles of rows": Case(phrases=8, size=5, channels=20, phrases_per_group=8, threads=3),
    "8 phrases apart": Case(phrases=8, size=3, channels=64),
    "one path after the other": Case(size=10, channels=70, paths_at_once=1),
    "two paths at once": Case(size=10, channels=70, paths_at_once=2),
    "tanh": Case(size=13, activation=TANH),
    "many threads": Case(size=13, channels=64, threads=16),
}
ROUNDED = {
    "half, 256 channels": Case(size=7, channels=256, scalar="half", slice_log2=6),
    "half, odd channels": Case(phrases=2, size=13, channels=37, scalar="half", phrases_per_group=2),
    **{f"half, grid {size}, 4 phrases": Case(phrases=4, size=size, scalar="half", phrases_per_group=4) for size in (9, 16, 20)},
    "half, tanh": Case(size=10, channels=64, scalar="half", activation=TANH),
}
SIMPLE = {
    "simple": Case(size=13, form="simple"),
    "simple, odd channels": Case(phrases=3, size=6, channels=37, form="simple"),
    "simple, tanh": Case(phrases=2, size=16, channels=64, form="simple", activation=TANH),
    "simple, half": Case(size=10, channels=64, form="simple", scalar="half", threads=3),
    "simple, one cell": Case(size=1, channels=1, form="simple"),
}


def fragments(**more: Any) -> Case:
    return Case(scalar="half", form="fragments", threads=32, **more)


FRAGMENTS = {
    "fragments, two slices": fragments(size=4, channels=40),
    "fragments, two warps": Case(scalar="half", form="fragments", size=13, channels=64, slice_log2=6, paths_at_once=1, threads=64),
    "fragments, one warp for 64 columns": fragments(size=7, channels=64, slice_log2=6, paths_at_once=1),
    "fragments, two tiles of rows": fragments(phrases=3, size=6, channels=33, phrases_per_group=3, paths_at_once=1),
    "fragments, 128 channels": fragments(size=3, channels=128, slice_log2=7, paths_at_once=1),
    "fragments, tanh": fragments(size=5, channels=16, activation=TANH),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fast_path_equals_the_reference(case: Case, host_scan: Path, tmp_path: Path) -> None:
    assert error_of(host_scan, case, tmp_path) <= TOLERANCE[case.scalar]


@pytest.mark.parametrize("case", ROUNDED.values(), ids=ROUNDED)
def test_fast_path_in_half_precision_is_within_its_tolerance(case: Case, host_scan: Path, tmp_path: Path) -> None:
    assert error_of(host_scan, case, tmp_path) <= TOLERANCE[case.scalar]


@pytest.mark.parametrize("case", SIMPLE.values(), ids=SIMPLE)
def test_slower_path_equals_the_reference(case: Case, host_scan: Path, tmp_path: Path) -> None:
    assert error_of(host_scan, case, tmp_path) <= TOLERANCE[case.scalar]


@pytest.mark.parametrize("case", FRAGMENTS.values(), ids=FRAGMENTS)
def test_matrix_fragments_as_the_ptx_manual_lays_them_out_equal_the_reference(case: Case, host_scan: Path, tmp_path: Path) -> None:
    assert error_of(host_scan, case, tmp_path) <= TOLERANCE[case.scalar]


def test_tolerances_are_tight_enough_to_see_a_wrong_activation(host_scan: Path, tmp_path: Path) -> None:
    right, wrong = Case(activation=LEAKY_RELU, scalar="half"), Case(activation=TANH, scalar="half")
    assert error_of(host_scan, right, tmp_path) <= TOLERANCE["half"]
    result = (tmp_path / "result").read_bytes()
    assert error_of(host_scan, wrong, tmp_path) <= TOLERANCE["half"]
    assert result != (tmp_path / "result").read_bytes()
