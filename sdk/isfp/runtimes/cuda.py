"""Which package gives Python the GPU: NVIDIA's cuda-bindings where it fits the driver, else pycuda."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from isfp.engines.gpu import first_gpu
from isfp.errors import RuntimeUnavailableError
from isfp.runtimes.device import Device

_log = logging.getLogger("isfp")

_OLDEST_CUDA, _NEWEST_CUDA = 12, 13  # JetPack 6's, and the newest that pyproject.toml has an extra for


@dataclass(frozen=True)
class CudaPackage:
    """A package through which the SDK can use the GPU.

    Attributes:
        name: its name on PyPI.
        module: the Python module that it is used by.
        device: module and class of the `Device` that uses it.
    """

    name: str
    module: str
    device: str

    @property
    def version(self) -> str | None:
        """Its version, "" if it is not known, or None if the package is not installed; nothing of it is imported."""
        try:
            if find_spec(self.module) is None:
                return None
        except ModuleNotFoundError:  # of the package that the module is in
            return None
        try:
            return version(self.name)
        except PackageNotFoundError:
            return ""

    def why_unusable(self) -> str | None:
        """Return why it cannot be used here, or None if it can."""
        found, gpu = self.version, first_gpu()
        if found is None:
            return f"{self.name} is not installed."
        if self.name != BINDINGS.name or gpu is None or not found:
            return None
        # A driver runs what is made for its own major version of CUDA and for older ones.
        made_for, runs = _major(found), _major(gpu.cuda)
        if _OLDEST_CUDA <= made_for <= runs:
            return None
        return f"{self.name} {found} is made for CUDA {made_for}, and this driver runs CUDA up to {gpu.cuda}."

    def open(self) -> Device:
        """Take the GPU through it; it raises an error of its own if it cannot."""
        module, _, name = self.device.partition(":")
        return getattr(import_module(module), name)()


BINDINGS = CudaPackage("cuda-bindings", "cuda.bindings", "isfp.runtimes.bindings_device:BindingsDevice")
PYCUDA = CudaPackage("pycuda", "pycuda", "isfp.runtimes.pycuda_device:PycudaDevice")
#: In the order in which they are tried.
PACKAGES = (BINDINGS, PYCUDA)


def extra() -> str:
    """Return the SDK's extra that brings the cuda-bindings for this machine's driver, such as "cuda12"."""
    gpu = first_gpu()
    return f"cuda{min(max(_major(gpu.cuda), _OLDEST_CUDA), _NEWEST_CUDA) if gpu else _NEWEST_CUDA}"


def _major(found: str) -> int:
    return int(found.partition(".")[0])


def why_unusable() -> str | None:
    """Return why Python cannot use the GPU, and what to do; None if a package is installed that can. Nothing is imported."""
    reasons = [package.why_unusable() for package in PACKAGES]
    if None in reasons:
        return None
    return f'{" ".join(map(str, reasons))} Python needs one of them to use the GPU: pip install "isfp[{extra()}]"'


def open_device() -> Device:
    """Take the GPU through the first package that can.

    Raises:
        RuntimeUnavailableError: none is installed, or none of them can; the message says why for each.
    """
    reasons: list[str] = []
    for package in PACKAGES:
        reason = package.why_unusable()
        if reason is None:
            try:
                device = package.open()
            except Exception as error:  # pycuda's errors have no common base
                reason = f"{package.name} {package.version} cannot take the GPU: {error}".rstrip(".") + "."
            else:
                if reasons and BINDINGS.version is not None:
                    _log.warning("The GPU is used through %s. %s", package.name, " ".join(reasons))
                return device
        reasons.append(reason)
    raise RuntimeUnavailableError(" ".join([*reasons, "Look at this machine: isfp doctor"]))
