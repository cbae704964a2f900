import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from bench_fpm import TOLERANCE, Scan, _cell_loop, _difference
from tests.paths import ROOT


@pytest.mark.slow
def test_all_forms_of_the_scan_agree_and_are_measured():
    command = [sys.executable, ROOT / "tools" / "bench_fpm.py", "--json", "--rounds", "1", "--threads", "1"]
    done = subprocess.run([*command, "--grid", "5", "--channels", "24", "--phrases", "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    expected = ["cell loop", "anti-diagonals", "ONNX function"] + ["plugin on the host"] * bool(shutil.which("c++"))
    assert list(report["forms"]) == list(report["speedup_over_cell_loop"]) == expected
    assert all(0 < form["difference"] <= TOLERANCE and form["runs"] == 3 for form in report["forms"].values())


def test_a_form_without_one_of_the_paths_would_be_refused():
    scan = Scan.random(1, 4, 8)
    without = Scan(scan.isf, scan.w1 * np.array([1, 1, 1, 0], np.float32)[:, None, None], scan.w2)
    assert _difference(scan, _cell_loop(scan).out()) <= TOLERANCE
    assert _difference(scan, _cell_loop(without).out()) > 0.01
