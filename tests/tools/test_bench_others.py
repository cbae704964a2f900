import importlib.util
import json
import subprocess
import sys

import pytest

from bench_others import _compared
from isfp.diagnose.bench.timing import Timing
from tests.paths import ROOT

INSTALLED = importlib.util.find_spec("transformers") is not None


def run(*arguments):
    command = [sys.executable, ROOT / "tools" / "bench_others.py", ROOT / "models" / "edge.isfp", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(INSTALLED, reason="transformers is installed")
def test_without_transformers_it_says_what_to_install():
    done = run("--rounds", "1")
    assert done.returncode == 1
    assert "pip install transformers" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_and_chains_are_compared_with_the_bundle_by_their_medians():
    described = {name: {"gives": "x"} for name in ("edge.isfp", "OWL-ViT B/32", "SAM 2.1 tiny")}
    timings = {name: Timing.from_runs([milliseconds]) for name, milliseconds in zip(described, (20.0, 300.0, 100.0), strict=True)}
    found = _compared("edge.isfp", described, timings)
    assert {name: row["ratio"] for name, row in found["models"].items()} == {"edge.isfp": 1, "OWL-ViT B/32": 15, "SAM 2.1 tiny": 5}
    assert list(found["chains"]) == ["OWL-ViT + SAM 2.1 tiny"]
    assert found["chains"]["OWL-ViT + SAM 2.1 tiny"]["ratio"] == 20


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED, reason="transformers is not installed")
def test_another_model_is_measured_beside_the_bundle(tmp_path):
    saved = tmp_path / "others.json"
    done = run("--rounds", "1", "--only", "clipseg", "--threads", "1", "--json", "--save", saved)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert json.loads(saved.read_text()) == report
    assert report["complete"]
    assert "Building CLIPSeg" in done.stderr
    assert list(report["models"]) == ["edge.isfp", "CLIPSeg rd64"]
    assert report["models"]["edge.isfp"]["ratio"] == 1
    assert report["models"]["CLIPSeg rd64"]["parameters"] > 1e8
    assert report["chains"] == {}
