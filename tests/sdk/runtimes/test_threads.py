"""How many threads are used by default: affinity and quotas are read from folders that stand for the file system's root."""

from __future__ import annotations

from pathlib import Path

import pytest

from isfp import Segmenter
from isfp.runtimes.threads import usable_cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 8 CPUs on 4 cores, all of which this process may use; returns a function that writes files."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def write(**files: str) -> Path:
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        return tmp_path

    write(**{f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list": f"{n % 4},{n % 4 + 4}\n" for n in range(8)})
    return write


def test_two_hyper_threads_of_a_core_count_once(machine):
    assert usable_cores(machine()) == 4


def test_cores_outside_the_affinity_do_not_count(machine, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 4, 1}, raising=False)
    assert usable_cores(machine()) == 2


def test_without_a_topology_each_cpu_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    assert usable_cores(tmp_path) == 3


@pytest.mark.parametrize(("limit", "cores"), [("100000 100000", 1), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", 4)])
def test_a_quota_of_cgroup_version_2_limits_them(machine, limit, cores):
    assert usable_cores(machine(**{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"{limit}\n"})) == cores


def test_a_quota_of_a_group_above_counts_too(machine):
    files = {"sys/fs/cgroup/pod/cpu.max": "200000 100000", "sys/fs/cgroup/pod/me/cpu.max": "max 100000"}
    assert usable_cores(machine(**{"proc/self/cgroup": "0::/pod/me\n", **files})) == 2


@pytest.mark.parametrize(("quota", "cores"), [("100000", 1), ("250000", 3), ("-1", 4), ("0", 4), ("nonsense", 4)])
def test_a_quota_of_cgroup_version_1_limits_them_wherever_the_group_is_mounted(machine, quota, cores):
    groups = "5:memory:/docker/me\n3:cpu,cpuacct:/docker/me\n"
    files = {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota, "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}
    assert usable_cores(machine(**{"proc/self/cgroup": groups, **files})) == cores


def test_a_segmenter_passes_its_number_of_threads_on(colour_bundle):
    for runtime in ("auto", "onnxruntime", "onnxruntime:cpu"):
        assert Segmenter(colour_bundle, runtime, threads=1).runtime._options.intra_op_num_threads == 1
    assert Segmenter(colour_bundle).runtime._options.intra_op_num_threads == usable_cores()


@pytest.mark.parametrize("command", ["run", "serve", "label", "record", "explain", "eval", "sheet"])
def test_every_command_that_runs_the_network_takes_the_number_of_threads(isfp, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    assert "--threads" in isfp(command, "--help")[1]
