import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS / "sdk"))

from colour_bundle import write_colour_bundle  # noqa: E402


@pytest.fixture(scope="session")
def colour_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle that finds red, green and blue things."""
    return write_colour_bundle(tmp_path_factory.mktemp("bundles") / "colour.isfp")
