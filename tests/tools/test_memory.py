import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

TOOL = ROOT / "tools" / "memory.py"
#: What may change between two quarters of a run without a leak: pages that the allocator keeps, Python's caches, and what the
#: threads of a stream that was left early still hold, 262 objects on a busy machine. A leak of one mask for every tenth frame
#: would be some 25 megabytes, one of an object for every frame 2,500 objects.
MEGABYTES, OBJECTS = 12, 800


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_ten_thousand_frames_of_changing_sizes_and_phrases_keep_memory_flat(colour_bundle):
    command = [sys.executable, str(TOOL), str(colour_bundle), "--threads", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["frames"] >= 10_000
    assert report["growth"]["megabytes"] < MEGABYTES, report
    assert report["growth"]["objects"] < OBJECTS, report
    assert report["growth"]["threads"] == 0, report


def test_a_bundle_that_is_not_there_is_one_message():
    done = subprocess.run([sys.executable, str(TOOL), "none.isfp"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("memory: The bundle none.isfp does not exist")
