"""The soak's verdict, and a short run of all three programs with the colour bundle."""

import json
import subprocess
import sys
import time

import cv2
import psutil
import pytest

pytest.importorskip("uvicorn", reason='the page needs pip install "isfp[web]"')

import soak
from tests.paths import ROOT

TOOL = ROOT / "tools" / "soak.py"


def life(memory, descriptors):
    """A process measured at these memories, MB, and descriptors, once a second."""
    samples = [(float(second), float(mb), number, 4) for second, (mb, number) in enumerate(zip(memory, descriptors, strict=True))]
    return soak.Life("label", 1, samples)


def test_what_grows_while_it_warms_up_and_then_stays_is_flat():
    (row,) = soak.judge([life([*range(100, 200, 10), *[200] * 20], [5] * 10 + [9] * 20)], 30, 8)
    assert (row["memory_growth_mb"], row["descriptor_growth"], row["flat"]) == (0, 0, True)
    assert (row["memory_mb"], row["descriptors"], row["seconds"]) == (200, 9, 29)


@pytest.mark.parametrize(
    ("memory", "descriptors", "flat"),
    [
        (range(100, 400, 10), [5] * 30, False),  # 70 MB from the middle of the third quarter to that of the last
        (range(100, 130), [5] * 30, True),
        ([100] * 30, range(5, 65, 2), False),
        ([100] * 29 + [500], [5] * 29 + [90], True),  # one outlier is no growth
    ],
)
def test_growth_beyond_the_bound_is_not_flat(memory, descriptors, flat):
    (row,) = soak.judge([life(memory, descriptors)], 30, 8)
    assert row["flat"] is flat


def test_a_process_that_was_never_measured_is_left_out():
    assert soak.judge([life([], [])], 30, 8) == []


def test_a_process_that_lived_too_briefly_is_not_judged():
    (row,) = soak.judge([life([100, 900], [5, 90])], 30, 8)
    assert (row["memory_growth_mb"], row["flat"]) == (None, True)


@pytest.mark.slow
def test_a_short_soak_reports_what_was_done_and_measured(colour_bundle, tmp_path):
    # The bounds are wide: so short a run is all warm-up, and what is checked is that everything ran and was measured.
    command = [sys.executable, str(TOOL), "--minutes", "0.3", "--bundle", str(colour_bundle), "--megabytes", "1000"]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["flat"] is True
    assert report["faults"] == []
    assert {row["name"] for row in report["processes"]} == {"serve", "label", "camera"}
    assert sum(row["name"] == "label" for row in report["processes"]) >= 2, "it was killed and started again"
    assert all(row["memory_mb"] > 10 for row in report["processes"])
    assert report["counted"]["serve"]["a picture"] > 0
    assert report["counted"]["label"]["pictures"] > 0
    assert report["counted"]["camera"]["frames"] > 0
    assert cv2.imread(str(tmp_path / "out" / "soak.png")) is not None


@pytest.mark.slow
def test_a_soak_that_is_asked_to_end_takes_its_programs_with_it(colour_bundle, tmp_path):
    command = [sys.executable, str(TOOL), "--minutes", "5", "--bundle", str(colour_bundle), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 120
        while len(programs := psutil.Process(process.pid).children()) < 3 and time.monotonic() < until:
            time.sleep(0.2)
        process.terminate()
    assert process.returncode == 130
    assert len(programs) == 3
    assert not any(program.is_running() for program in programs)


def test_a_bundle_that_is_not_there_is_one_message(tmp_path):
    done = subprocess.run([sys.executable, str(TOOL), "--bundle", "none.isfp"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("soak: none.isfp is no bundle")
