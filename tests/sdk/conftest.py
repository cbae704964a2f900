from pathlib import Path

import pytest
from colour_bundle import write_colour_bundle


@pytest.fixture(scope="session")
def colour_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle that finds red, green and blue things; not to be changed."""
    return write_colour_bundle(tmp_path_factory.mktemp("bundles") / "colour.isfp")
