import json
import subprocess
import sys

from tests.paths import ROOT

TOOL = ROOT / "tools" / "flicker.py"


def test_flicker_and_lag_are_reported_with_and_without_smoothing(colour_bundle):
    command = [sys.executable, str(TOOL), str(colour_bundle), "--scenes", "1", "--length", "6", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    alone, smoothed = report["each frame alone"], report["smoothed"]
    assert alone.keys() == smoothed.keys()
    assert "moving: frames behind the masks of each frame alone" in alone
    assert all(value is None or value >= 0 for value in alone.values())
    assert report["scenes"] == 1


def test_a_bundle_that_is_not_there_is_one_message():
    done = subprocess.run([sys.executable, str(TOOL), "none.isfp"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("flicker: The bundle none.isfp does not exist")
