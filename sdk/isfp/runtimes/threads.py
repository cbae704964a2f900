"""How many threads this process should compute with: the physical cores that it may use, within its container's quota of CPU time.

A container that may use one CPU still sees all cores of its machine. With a thread on each of them, the threads use up the quota
in the first part of each period and then all wait for the next one.
"""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path, PurePosixPath


def usable_cores(root: Path = Path("/")) -> int:
    """Return the number of physical cores that this process may use, at least 1.

    Affinity (`taskset`, a container's `--cpuset-cpus`) and quota (`--cpus`; cgroup version 1 and 2) both limit it; part of a CPU
    counts as one.

    Args:
        root: the root of the file system, in which `proc` and `sys` are read.
    """
    cores = _physical_cores(root)
    quota = _quota(root)
    return max(1, min(cores, ceil(quota)) if quota else cores)


def _physical_cores(root: Path) -> int:
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
    topology = root / "sys" / "devices" / "system" / "cpu"
    # Hyper-threads of one core list the same siblings; a second thread on a core gains nothing in convolutions.
    return len({_text(topology / f"cpu{cpu}" / "topology" / "thread_siblings_list") or str(cpu) for cpu in allowed})


def _quota(root: Path) -> float | None:
    """Return the number of CPUs whose time this process may use; None if it is not limited."""
    limits = []
    for line in (_text(root / "proc" / "self" / "cgroup") or "").splitlines():
        _, controllers, own = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounted = root / "sys" / "fs" / "cgroup" / ("cpu" if controllers else "")
        # Every group above may limit it too. In a container its own group may be mounted as the root, whatever its path says.
        for group in (PurePosixPath(own), *PurePosixPath(own).parents):
            folder = mounted / str(group).lstrip("/")
            limits.append(_limit_1(folder) if controllers else _limit_2(folder))
    return min((limit for limit in limits if limit), default=None)


def _limit_2(folder: Path) -> float | None:
    """Return the limit in cgroup version 2: `cpu.max` holds "QUOTA PERIOD" in microseconds, or "max PERIOD"."""
    fields = (_text(folder / "cpu.max") or "").split()
    return _ratio(*fields) if len(fields) == 2 else None


def _limit_1(folder: Path) -> float | None:
    """Return the limit in cgroup version 1: two files with microseconds; a quota of -1 means no limit."""
    quota, period = (_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return _ratio(quota, period) if quota and period else None


def _ratio(quota: str, period: str) -> float | None:
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return int(quota) / int(period) or None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
