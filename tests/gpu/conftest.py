"""Tests of the engines on a GPU; `make gpu-check` builds what they need and says where it is, in ISFP_GPU_BUNDLE.

Without it each test is skipped, and `make gpu-check` counts a run in which all were skipped as failed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.paths import ROOT

VARIABLE = "ISFP_GPU_BUNDLE"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that asks for `engine` on every engine of the bundle that fits this machine."""
    if "engine" not in metafunc.fixturenames:
        return
    metafunc.parametrize(
        "engine", _engines() or [pytest.param(None, marks=pytest.mark.skip(f"no engine: {VARIABLE} names no bundle"))]
    )


def _engines() -> list[str]:
    if VARIABLE not in os.environ:
        return []
    from isfp.bundle.bundle import Bundle
    from isfp.diagnose.inspection import inspect

    engines = inspect(Bundle.open(os.environ[VARIABLE])).engines
    return sorted({engine.option for engine in engines if engine.fits and engine.option})


@pytest.fixture(scope="session")
def bundle() -> Path:
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} names no bundle: make gpu-check")
    return Path(os.environ[VARIABLE])


@pytest.fixture(scope="session")
def demo() -> Path:
    return ROOT / "assets" / "demo"
