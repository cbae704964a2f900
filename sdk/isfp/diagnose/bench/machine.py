"""What a measurement was made on, to print beside it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from isfp.engines.gpu import first_gpu
from isfp.runtimes.threads import usable_cores

#: Packages whose version changes how long a frame takes.
PACKAGES = tuple("isfp numpy opencv-python onnxruntime onnxruntime-gpu openvino torch tensorrt tensorrt-rtx-cu13".split())
#: Instruction sets that decide how fast convolutions are, as /proc/cpuinfo names them.
INSTRUCTIONS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "sve")
#: Load average above which other programs took part of the machine while it was measured.
BUSY = 0.5


def machine() -> str:
    """Describe the processor and the system in one line."""
    return f"{processor()}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def processor() -> str:
    """Return the processor's name."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def facts() -> dict[str, Any]:
    """Return processor, cores, instruction sets, memory, system, GPU and the load of other programs, as JSON values."""
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    gpu = first_gpu()
    return {
        "processor": processor(),
        "cores": usable_cores(),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "gpu": gpu.name if gpu else None,
        "load_average": _load(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter, as far as they are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def peak_memory_mb() -> float:
    """Return the most memory that this process has held so far, megabytes (1e6 bytes)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        import resource

        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1e6  # bytes on macOS
    # Not ru_maxrss: on Linux a new process starts with the peak of the one that started it.
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _cpuinfo(field: str) -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(field)), "")
    except OSError:
        return ""
