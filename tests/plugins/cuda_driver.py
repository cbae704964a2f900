"""The few calls of the CUDA driver that the GPU tests need, through ctypes, so that they need no package."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

THREAD_LOCAL_CAPTURE = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL


class Gpu:
    """The first GPU and one stream. Raises OSError where there is no driver, RuntimeError where a call fails."""

    def __init__(self) -> None:
        self._driver = ctypes.CDLL("libcuda.so.1")
        self._call("cuInit", 0)
        device, context, self._stream = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)
        self._call("cuStreamCreate", ctypes.byref(self._stream), 1)  # CU_STREAM_NON_BLOCKING

    @property
    def stream(self) -> int:
        """The stream's handle."""
        return int(self._stream.value or 0)

    def allocate(self, size: int) -> int:
        """Address of `size` bytes on the GPU, held until the process ends."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def write(self, address: int, values: np.ndarray) -> None:
        """Copy to the GPU and wait: the copy alone returns before the stream may rely on it."""
        values = np.ascontiguousarray(values)
        source = values.ctypes.data_as(ctypes.c_void_p)
        self._call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), source, ctypes.c_size_t(values.nbytes))
        self._call("cuCtxSynchronize")

    def read(self, address: int, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """Wait for the stream and copy from the GPU."""
        values: np.ndarray = np.empty(shape, dtype)
        self._call("cuStreamSynchronize", self._stream)
        self._call(
            "cuMemcpyDtoH_v2",
            values.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_uint64(address),
            ctypes.c_size_t(values.nbytes),
        )
        return values

    def capture(self, work: Callable[[], None]) -> ctypes.c_void_p:
        """What `work` puts on the stream, as a graph that `launch` takes."""
        graph, replayable = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuStreamBeginCapture_v2", self._stream, THREAD_LOCAL_CAPTURE)
        work()
        self._call("cuStreamEndCapture", self._stream, ctypes.byref(graph))
        self._call("cuGraphInstantiateWithFlags", ctypes.byref(replayable), graph, ctypes.c_uint64(0))
        return replayable

    def launch(self, graph: ctypes.c_void_p) -> None:
        """Put a captured graph on the stream."""
        self._call("cuGraphLaunch", graph, self._stream)

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._driver, name)(*arguments)
        if status != 0:
            raise RuntimeError(f"{name} returned CUresult {status}")
