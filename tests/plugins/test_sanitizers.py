"""The kernels' bodies under the sanitizers, and proof that the thread sanitizer looks: a removed barrier is caught."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.plugins import plugin_builds
from tests.plugins.fpm_cases import TOLERANCE, Case, error_of, run

SLICES = Case(size=4, channels=40, threads=2)  # two blocks a path
CASES = {
    "blocks that share a path": SLICES,
    "groups and waves": Case(phrases=3, size=3, channels=40, phrases_per_group=2, paths_at_once=2, threads=2),
    "one block a path, two tiles of rows": Case(phrases=5, size=4, channels=24, phrases_per_group=5, threads=4),
    "half, odd channels": Case(phrases=2, size=4, channels=37, scalar="half", phrases_per_group=2, threads=2),
    "fragments": Case(size=3, channels=24, scalar="half", form="fragments", paths_at_once=1, threads=32),
    "simple": Case(size=4, channels=9, form="simple", threads=4),
}
# Two threads for each channel of a slice, as launches have them.
AS_DEVICE = {
    "two slices": Case(size=4, channels=40, paths_at_once=1, threads=64),
    "several tiles of each anti-diagonal": Case(phrases=20, size=2, phrases_per_group=20, paths_at_once=1, threads=64),
    "an anti-diagonal longer than a tile": Case(size=17, paths_at_once=1, threads=64),
    "fragments": Case(size=3, channels=40, scalar="half", form="fragments", paths_at_once=1, threads=64),
}
THREAD_SANITIZER_FOUND = 66

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session", params=["address", "undefined", "thread"])
def sanitized(request: pytest.FixtureRequest) -> Path:
    return plugin_builds.host_build(request.param)


@pytest.fixture(scope="session")
def thread_sanitized() -> Path:
    return plugin_builds.host_build("thread")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bodies_are_clean_and_right_under_sanitizer(case: Case, sanitized: Path, tmp_path: Path) -> None:
    assert error_of(sanitized, case, tmp_path) <= TOLERANCE[case.scalar]


@pytest.mark.parametrize("case", AS_DEVICE.values(), ids=AS_DEVICE)
def test_a_device_threads_part_is_clean_and_right_under_sanitizer(case: Case, sanitized: Path, tmp_path: Path) -> None:
    assert error_of(sanitized.parent / "fpm_host_scan_as_device", case, tmp_path) <= TOLERANCE[case.scalar]


def test_core_is_clean_under_sanitizer(sanitized: Path) -> None:
    done = subprocess.run([str(sanitized.parent / "fpm_core_test")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("dropped", ["path-barrier", "block-barrier"])
def test_thread_sanitizer_catches_a_removed_barrier(dropped: str, thread_sanitized: Path, tmp_path: Path) -> None:
    case = Case(**{**SLICES.__dict__, "dropped": dropped})
    done = run(thread_sanitized, case, tmp_path)
    assert done.returncode == THREAD_SANITIZER_FOUND, done.stderr
    assert "ThreadSanitizer: data race" in done.stderr
