"""Shared by all tests: small threads, so that parallel tests do not fight for cores."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from isfp import Segmenter
from isfp.cli import main as cli

os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests start processes and build things: they have the time for it on a busy machine too."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def colour_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle that finds red, green and blue things; not to be changed."""
    from tests.sdk.colour_bundle import write_colour_bundle  # needs onnx, which not every machine with a GPU has

    return write_colour_bundle(tmp_path_factory.mktemp("bundles") / "colour.isfp")


@pytest.fixture
def runtime():
    """ONNX Runtime, recording which stages ran."""
    from tests.sdk.counting_runtime import CountingRuntime

    return CountingRuntime()


@pytest.fixture
def segmenter(colour_bundle, runtime):
    """A Segmenter of the colour bundle, whose stages `runtime` records."""
    with Segmenter(colour_bundle, runtime) as segmenter:
        yield segmenter


@pytest.fixture
def isfp(monkeypatch, capsys):
    """Run the command line in this process: exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["isfp", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out = capsys.readouterr()
        return end.value.code or 0, out.out, out.err

    return run
