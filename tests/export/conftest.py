"""A tiny network that was really trained for a moment, and the bundle that was really exported from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from isfp_export.bundle.export import export_bundle
from isfp_train.run.runner import train
from tests.train.tiny import tiny


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run's last checkpoint."""
    return train(tiny(epochs=1), tmp_path_factory.mktemp("run"), progress=False)


@pytest.fixture(scope="session")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the tiny run."""
    out = tmp_path_factory.mktemp("bundle") / "tiny.isfp"
    export_bundle(trained, out, scenes=12)
    return out
