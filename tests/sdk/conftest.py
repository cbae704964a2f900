import sys
from pathlib import Path

import pytest
from colour_bundle import write_colour_bundle

from isfp import cli


@pytest.fixture(scope="session")
def colour_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle that finds red, green and blue things; not to be changed."""
    return write_colour_bundle(tmp_path_factory.mktemp("bundles") / "colour.isfp")


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
