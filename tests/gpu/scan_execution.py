"""An execution that launches the FPM scan: an `EngineStage` with a real kernel in it, on a machine that has no TensorRT."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from fpm_scan.reference import LEAKY_RELU, fpm_scan
from isfp.bundle.manifest import Stage, Tensor
from isfp.engines.record import Span
from isfp.errors import RuntimeFailedError
from isfp.runtimes.buffers import StageBuffers, stage_buffers
from isfp.runtimes.device import Device
from isfp.runtimes.engine_stage import Execution
from tests.sdk.host_device import HostDevice

SIZE, CHANNELS, MOST = 13, 64, 4
ALPHA, SLOPE = 0.25, 0.1
TOLERANCE = 2e-5  # of the largest output: FP32 in another order of sums

STAGE = Stage(
    "scan",
    "scan.onnx",
    (
        Tensor("isf", "float32", ("P", SIZE, SIZE, CHANNELS)),
        Tensor("w1", "float32", (4, CHANNELS, CHANNELS)),
        Tensor("w2", "float32", (4, 2, CHANNELS, CHANNELS)),
    ),
    (Tensor("out", "float32", ("P", SIZE, SIZE, CHANNELS)),),
)


def scan_buffers() -> StageBuffers:
    return stage_buffers(STAGE, Span(1, 1, MOST), Span(1, 1, 1))


def scan_inputs(phrases: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {"isf": (phrases, SIZE, SIZE, CHANNELS), "w1": (4, CHANNELS, CHANNELS), "w2": (4, 2, CHANNELS, CHANNELS)}
    values = {name: rng.standard_normal(shape) * (1.0 if name == "isf" else CHANNELS**-0.5) for name, shape in shapes.items()}
    return {name: value.astype(np.float32) for name, value in values.items()}


def scan_expected(inputs: dict[str, np.ndarray]) -> np.ndarray:
    isf, w1, w2 = (inputs[name].astype(np.float64) for name in ("isf", "w1", "w2"))
    return fpm_scan(isf, w1, w2, ALPHA, LEAKY_RELU, SLOPE)


class ScanExecution(Execution):
    """Calls `plugins/fpm_scan/tests/scan_library.cpp`; the device must be current when it is made."""

    def __init__(self, library: Path, device: Device) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.isfp_scan_workspace.restype = ctypes.c_size_t
        self._device = device
        self._workspace = device.allocate(self._library.isfp_scan_workspace(MOST, SIZE, CHANNELS, 0))
        self._addresses: dict[str, int] = {}
        self._scans: dict[int, ctypes.c_void_p] = {}
        self._scan = ctypes.c_void_p()

    def set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        if name != "isf":
            return
        phrases = shape[0]
        if phrases not in self._scans:
            made = ctypes.c_void_p()
            attributes = ctypes.c_float(ALPHA), LEAKY_RELU, ctypes.c_float(SLOPE)
            self._hold(self._library.isfp_scan_make(phrases, SIZE, CHANNELS, 0, *attributes, ctypes.byref(made)))
            self._scans[phrases] = made
        self._scan = self._scans[phrases]

    def set_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def enqueue(self, stream: int) -> None:
        addresses = [ctypes.c_void_p(self._addresses[name]) for name in ("isf", "w1", "w2", "out")]
        arguments = self._scan, *addresses, ctypes.c_void_p(self._workspace), ctypes.c_void_p(stream)
        if isinstance(self._device, HostDevice):  # its stream is not CUDA's
            self._device.put(lambda: self._hold(self._library.isfp_scan_enqueue(*arguments)))
        else:
            self._hold(self._library.isfp_scan_enqueue(*arguments))

    def _hold(self, status: int) -> None:
        if status != 0:
            raise RuntimeFailedError(f"the scan returned cudaError_t {status}")
