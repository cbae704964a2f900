"""The GPU through pycuda: memory, page-locked memory, copies, the stream. Graphs, which pycuda lacks, through the driver."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from isfp.errors import RuntimeFailedError
from isfp.runtimes.device import CaptureError, Device, Graph

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: captures are not for the default stream, nor for one that waits for it
_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads, such as a camera's, cannot invalidate a capture


@cache
def _primary_context() -> Any:
    """Return the primary context of device 0, retained until the process ends.

    If it were released earlier, it would stay on the thread's stack of contexts, because pycuda treats the release as a pop. If it
    were destroyed at the end, pycuda would call cuCtxDetach, which is for other contexts. So the object is never destroyed.
    """
    import pycuda.driver as cuda

    cuda.init()
    context = cuda.Device(0).retain_primary_context()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(context))
    return context


class PycudaDevice(Device):
    """Device 0, its primary context (that of the CUDA runtime, so TensorRT's and PyTorch's too), and a stream."""

    def __init__(self) -> None:
        """Take the GPU; pycuda raises its own errors if there is none."""
        import pycuda.driver as cuda

        self._cuda = cuda
        self._context: Any = _primary_context()
        self._held: list[Any] = []
        self._graphs: set[_CudaGraph] = set()
        self._driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        with self:
            self._stream: Any = cuda.Stream(_NON_BLOCKING)

    @property
    def stream(self) -> int:
        """See `Device`."""
        return int(self._stream.handle)

    def allocate(self, size: int) -> int:
        """See `Device`."""
        self._held.append(self._cuda.mem_alloc(max(size, 1)))
        return int(self._held[-1])

    def allocate_host(self, size: int) -> np.ndarray:
        """See `Device`."""
        self._held.append(self._cuda.pagelocked_empty(max(size, 1), np.uint8))
        return self._held[-1][:size]

    @property
    def shares_memory(self) -> bool:
        """See `Device`."""
        return bool(self._cuda.Device(0).get_attribute(self._cuda.device_attribute.INTEGRATED))

    def allocate_mapped(self, size: int) -> tuple[np.ndarray, int]:
        """See `Device`."""
        values = self._cuda.pagelocked_empty(max(size, 1), np.uint8, mem_flags=self._cuda.host_alloc_flags.DEVICEMAP)
        self._held.append(values)
        return values[:size], int(values.base.get_device_pointer())

    def upload(self, address: int, values: np.ndarray) -> None:
        """See `Device`."""
        self._cuda.memcpy_htod_async(address, values, self._stream)

    def download(self, values: np.ndarray, address: int) -> None:
        """See `Device`."""
        self._cuda.memcpy_dtoh_async(values, address, self._stream)

    def read(self, address: int, values: np.ndarray) -> None:
        """See `Device`."""
        self.wait()
        self._cuda.memcpy_dtoh(values, address)

    def wait(self) -> None:
        """See `Device`."""
        self._stream.synchronize()

    def time(self, work: Callable[[], None]) -> float:
        """See `Device`."""
        start, end = self._cuda.Event(), self._cuda.Event()
        start.record(self._stream)
        work()
        end.record(self._stream)
        end.synchronize()
        return float(end.time_since(start))

    def capture(self, work: Callable[[], None]) -> Graph:
        """See `Device`."""
        stream, graph, runnable = ctypes.c_void_p(self.stream), ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuStreamBeginCapture_v2", stream, ctypes.c_int(_THREAD_LOCAL))
        try:
            work()
        except Exception as error:
            # A stream must not be left capturing; the graph so far exists only if nothing has invalidated the capture.
            if self._driver.cuStreamEndCapture(stream, ctypes.byref(graph)) == 0 and graph:
                self._driver.cuGraphDestroy(graph)
            raise CaptureError(str(error)) from error
        self.call("cuStreamEndCapture", stream, ctypes.byref(graph))
        try:
            self.call("cuGraphInstantiateWithFlags", ctypes.byref(runnable), graph, ctypes.c_ulonglong(0))
        finally:
            self._driver.cuGraphDestroy(graph)
        captured = _CudaGraph(self, runnable)
        self._graphs.add(captured)
        return captured

    def forget(self, graph: _CudaGraph) -> None:
        """Drop a graph that was closed."""
        self._graphs.discard(graph)

    def close(self) -> None:
        """See `Device`."""
        if self._context is None:
            return
        with self:
            with suppress(Exception):  # work that failed is reported by the call that waits for it, not here
                self.wait()
            for graph in list(self._graphs):
                with suppress(CaptureError):
                    graph.close()
            self._held.clear()
            self._stream = None
        self._context = None

    def call(self, function: str, *arguments: Any) -> None:
        """Call the driver.

        Raises:
            CaptureError: the driver returns an error.
        """
        status = getattr(self._driver, function)(*arguments)
        if status != 0:
            raise CaptureError(f"{function} returned CUresult {status}")

    def __enter__(self) -> Device:
        if self._context is None:
            raise RuntimeFailedError("The GPU was released because its Segmenter was closed. Make a new Segmenter.")
        self._context.push()
        return self

    def __exit__(self, *_: object) -> None:
        self._cuda.Context.pop()


class _CudaGraph(Graph):
    def __init__(self, device: PycudaDevice, runnable: ctypes.c_void_p) -> None:
        self._device, self._runnable = device, runnable

    def launch(self) -> None:
        self._device.call("cuGraphLaunch", self._runnable, ctypes.c_void_p(self._device.stream))

    def close(self) -> None:
        self._device.forget(self)
        self._device.call("cuGraphExecDestroy", self._runnable)
