"""The first NVIDIA GPU, as its driver describes it: no package and no CUDA context are needed, so this is fast."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU.

    Attributes:
        name: as the driver gives it, such as "Orin".
        sm: compute capability, such as "87".
        cuda: the newest CUDA version that the driver can run, such as "12.6".
        driver: the driver's version, such as "540.4.0", or None if the system does not report it.
    """

    name: str
    sm: str
    cuda: str
    driver: str | None


@cache
def first_gpu() -> Gpu | None:
    """Return the GPU that CUDA calls device 0, or None if there is no driver or no GPU."""
    try:
        driver = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    device, major, minor, version = (ctypes.c_int() for _ in range(4))
    name = ctypes.create_string_buffer(128)
    calls = (
        ("cuInit", ctypes.c_uint(0)),
        ("cuDeviceGet", ctypes.byref(device), 0),
        ("cuDeviceGetName", name, len(name), device),
        ("cuDeviceGetAttribute", ctypes.byref(major), _MAJOR, device),
        ("cuDeviceGetAttribute", ctypes.byref(minor), _MINOR, device),
        ("cuDriverGetVersion", ctypes.byref(version)),
    )
    for function, *arguments in calls:
        # Arguments are read when the call is made, so `device` holds what cuDeviceGet wrote.
        if getattr(driver, function)(*arguments) != 0:
            return None
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return Gpu(name.value.decode("utf-8", "replace"), f"{major.value}{minor.value}", cuda, _driver_version())


def _driver_version() -> str | None:
    try:
        return Path("/sys/module/nvidia/version").read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
