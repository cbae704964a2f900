import json
import subprocess
import sys

import cv2
import pytest

from tests.paths import ROOT
from tests.sdk.colour_bundle import picture

SAMPLES = ROOT / "samples"


def run(name, *arguments, **options):
    command = [sys.executable, SAMPLES / name, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, **options)


@pytest.fixture
def assets(tmp_path):
    folder = tmp_path / "assets"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), picture(("red", (40, 60, 240, 300)), size=(480, 640)))
    cv2.imwrite(str(folder / "b.png"), picture(("blue", (40, 60, 240, 300)), size=(480, 640)))
    phrases = {"a.png": ["the red thing", "green"], "b.png": ["blue"]}
    (folder / "phrases.json").write_text(json.dumps(phrases))
    return folder


def test_the_demo_draws_a_sheet_for_each_picture_and_one_of_all(colour_bundle, assets, tmp_path):
    done = run("demo.py", "--bundle", colour_bundle, "--assets", assets, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "the red thing: found (1.00)" in done.stdout
    assert "green: not there (0.00)" in done.stdout
    assert str(tmp_path / "out" / "all.png") in done.stdout
    a, b, everything = (cv2.imread(str(tmp_path / "out" / name)) for name in ("a.png", "b.png", "all.png"))
    assert a.shape[0] == 2 * b.shape[0]  # a card for each phrase, one below the other
    assert everything.shape[1] == 2 * 640  # a row for each picture, its cards narrowed side by side


def test_the_demo_says_what_is_wrong_with_its_bundle(assets, tmp_path):
    done = run("demo.py", "--bundle", tmp_path / "none.isfp", "--assets", assets)
    assert done.returncode == 1
    assert done.stderr.startswith("demo: The bundle")
