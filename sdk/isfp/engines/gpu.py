"""The first NVIDIA GPU, as its driver describes it: no package and no CUDA context are needed, so this is fast."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
_MULTIPROCESSORS = 16  # CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU.

    Attributes:
        name: as the driver gives it, such as "Orin".
        sm: compute capability, such as "87".
        cuda: the newest CUDA version that the driver can run, such as "12.6".
        driver: the driver's version, such as "540.4.0", or None if the system does not report it.
        multiprocessors: number of streaming multiprocessors, or None if it is not known.
    """

    name: str
    sm: str
    cuda: str
    driver: str | None
    multiprocessors: int | None = None

    @property
    def model(self) -> str:
        """The name with the number of multiprocessors, such as "Orin (16 SMs)": all Orins have one name, with 8 SMs or 16."""
        return self.name if self.multiprocessors is None else f"{self.name} ({self.multiprocessors} SMs)"


@cache
def first_gpu() -> Gpu | None:
    """Return the GPU that CUDA calls device 0, or None if there is no driver or no GPU."""
    try:
        driver = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    device, major, minor, version, multiprocessors = (ctypes.c_int() for _ in range(5))
    name = ctypes.create_string_buffer(128)
    calls = (
        ("cuInit", ctypes.c_uint(0)),
        ("cuDeviceGet", ctypes.byref(device), 0),
        ("cuDeviceGetName", name, len(name), device),
        ("cuDeviceGetAttribute", ctypes.byref(major), _MAJOR, device),
        ("cuDeviceGetAttribute", ctypes.byref(minor), _MINOR, device),
        ("cuDeviceGetAttribute", ctypes.byref(multiprocessors), _MULTIPROCESSORS, device),
        ("cuDriverGetVersion", ctypes.byref(version)),
    )
    for function, *arguments in calls:
        # Arguments are read when the call is made, so `device` holds what cuDeviceGet wrote.
        if getattr(driver, function)(*arguments) != 0:
            return None
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    sm = f"{major.value}{minor.value}"
    return Gpu(name.value.decode("utf-8", "replace"), sm, cuda, _driver_version(), multiprocessors.value)


def _driver_version() -> str | None:
    try:
        return Path("/sys/module/nvidia/version").read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
