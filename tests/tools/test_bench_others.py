import importlib.util
import json
import subprocess
import sys

import pytest

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


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED, reason="transformers is not installed")
def test_another_model_is_measured_beside_the_bundle():
    done = run("--rounds", "1", "--only", "clipseg", "--threads", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert list(report["models"]) == ["edge.isfp", "CLIPSeg rd64"]
    assert report["models"]["edge.isfp"]["ratio"] == 1
    assert report["models"]["CLIPSeg rd64"]["parameters"] > 1e8
    assert report["chains"] == {}
