"""Runs of `isfp label` that are killed, for real."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sdk.label.label_pictures import PHRASES, logged, write_pictures

COUNT = 160  # enough for the signal to arrive in the middle, however late this process gets its turn
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # each run loads everything anew, Ray too


@pytest.fixture(scope="module")
def case(tmp_path_factory, colour_bundle):
    """A command that labels large pictures, without the folder for the labels, and what it writes if nothing happens."""
    root = tmp_path_factory.mktemp("label")
    folder = write_pictures(root / "pictures", COUNT, size=(1200, 1600))
    (root / "phrases.txt").write_text(PHRASES)
    command = [sys.executable, "-m", "isfp.cli", "label", str(colour_bundle), str(folder), "--phrases", str(root / "phrases.txt")]
    subprocess.run([*command, "--out", str(root / "whole")], check=True, capture_output=True)
    return command, (root / "whole" / "annotations.json").read_bytes()


def wait_for(out: Path, count: int, process: subprocess.Popen) -> None:
    """Wait until so many pictures are in the log."""
    while logged(out).total() < count:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)


def test_a_run_that_is_killed_goes_on_without_loss_or_repeats(case, tmp_path):
    command, whole = case
    out = tmp_path / "out"
    kept = 0
    for goal in (4, 16):
        with subprocess.Popen([*command, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            wait_for(out, goal, process)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert not (out / "annotations.json").exists()
        assert kept < logged(out).total() < COUNT
        kept = logged(out).total()
    done = subprocess.run([*command, "--out", str(out), "--json"], capture_output=True, text=True, check=True)
    assert f'"done_before": {kept},' in done.stdout
    assert sorted(logged(out).values()) == [1] * COUNT
    assert (out / "annotations.json").read_bytes() == whole


def test_a_run_that_is_interrupted_says_how_it_goes_on(case, tmp_path):
    command, _ = case
    with subprocess.Popen([*command, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(tmp_path, 2, process)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again to resume." in messages
    assert "Traceback" not in messages


def worker_processes(driver: int) -> list[int]:
    """Return the Ray workers that label among the processes below `driver`."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(entry.name)] = (entry / "cmdline").read_bytes()
        except (ValueError, OSError):
            continue  # no process, or one that has just ended

    def below(process: int) -> bool:
        return process == driver or (process in parents and below(parents[process]))

    return [process for process, name in names.items() if name.startswith(b"ray::MapWorker") and below(process)]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for Ray's workers in /proc, which this system lacks")
def test_a_ray_worker_that_is_killed_costs_nothing(case, tmp_path):
    pytest.importorskip("ray.data", reason='Ray is not installed: pip install "isfp[ray]"')
    command, whole = case
    out = tmp_path / "out"
    alone = {**os.environ, "RAY_ADDRESS": "local"}
    with subprocess.Popen(
        [*command, "--out", str(out), "--ray", "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=alone
    ) as process:
        wait_for(out, 1, process)
        workers = worker_processes(process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        assert logged(out).total() < COUNT
        _, messages = process.communicate(timeout=240)
    assert process.returncode == 0, messages
    assert sorted(logged(out).values()) == [1] * COUNT
    assert (out / "annotations.json").read_bytes() == whole
