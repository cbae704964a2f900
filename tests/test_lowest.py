"""constraints-lowest.txt holds the lower ends of the ranges in pyproject.toml."""

import re

from isfp.diagnose.opencv import LOWEST
from tests.paths import ROOT


def test_the_lowest_versions_are_those_of_the_project():
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    lowest = dict(line.split("==") for line in lines if not line.startswith("#"))
    asked = dict(re.findall(r'"([\w-]+)>=([\d.]+)', (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    assert {"numpy", "onnxruntime", "opencv-python-headless", "rich", "typer"} <= set(lowest)
    for name, version in lowest.items():
        if name.startswith("opencv"):
            assert tuple(map(int, version.split(".")[:2])) >= LOWEST
        assert (version + ".").startswith(asked[name] + "."), name
