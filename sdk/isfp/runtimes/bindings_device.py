"""The GPU through cuda-bindings, NVIDIA's own package: ready-made wheels, the driver's functions as they are, graphs included.

It calls the driver (`cuda.bindings.driver`) alone, so that nothing of the CUDA toolkit is needed. Each of its functions returns a
tuple: a `CUresult`, then what the C function returns through pointers.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from isfp.errors import RuntimeFailedError
from isfp.runtimes.device import CaptureError, Device, DeviceError, Graph


@cache
def _driver() -> Any:
    from cuda.bindings import driver

    return driver


def _call(function: str, *arguments: Any) -> Any:
    """Call the driver and return what it returns after its status: nothing, one value or a tuple.

    Raises:
        DeviceError: the driver reports an error, is not installed, or is too old to have the function.
    """
    driver = _driver()
    try:
        status, *values = getattr(driver, function)(*arguments)
    except RuntimeError as error:  # cuda-bindings' own, where there is no library or no such function in it
        raise DeviceError(f"{function} cannot be called: {error}") from error
    if status != driver.CUresult.CUDA_SUCCESS:
        raise DeviceError(f"{function} failed: {_said(status)}")
    return values[0] if len(values) == 1 else tuple(values) or None


def _said(status: Any) -> str:
    """Return an error's name and the driver's words for it."""
    _, words = _driver().cuGetErrorString(status)
    return f"{status.name} ({words.decode()})" if words else status.name


@cache
def _primary_context() -> Any:
    """Return the primary context of device 0.

    It is retained until the process ends, because TensorRT's runtime object, which lives as long, may hold memory in it.
    """
    _call("cuInit", 0)
    return _call("cuDevicePrimaryCtxRetain", _call("cuDeviceGet", 0))


class BindingsDevice(Device):
    """Device 0, its primary context (that of the CUDA runtime, so TensorRT's and PyTorch's too), and a stream."""

    def __init__(self) -> None:
        """Take the GPU.

        Raises:
            ImportError: cuda-bindings is not installed.
            DeviceError: there is no driver or no GPU, or the driver is too old.
        """
        self._context: Any = _primary_context()
        self._addresses: list[int] = []
        self._mapped: list[np.ndarray] = []
        self._graphs: set[_BindingsGraph] = set()
        flags = _driver().CUstream_flags
        with self:
            # Captures are not for the default stream, nor for one that waits for it.
            self._stream: Any = _call("cuStreamCreate", flags.CU_STREAM_NON_BLOCKING.value)

    @property
    def stream(self) -> int:
        """See `Device`."""
        return int(self._stream)

    def allocate(self, size: int) -> int:
        """See `Device`."""
        self._addresses.append(int(_call("cuMemAlloc", max(size, 1))))
        return self._addresses[-1]

    def allocate_host(self, size: int) -> np.ndarray:
        """See `Device`; the memory is freed with the last array that shows it, which may outlive the device."""
        return self._host_memory(size, 0)[0]

    @property
    def shares_memory(self) -> bool:
        """See `Device`."""
        integrated = _driver().CUdevice_attribute.CU_DEVICE_ATTRIBUTE_INTEGRATED
        return bool(_call("cuDeviceGetAttribute", integrated, _call("cuDeviceGet", 0)))

    def allocate_mapped(self, size: int) -> tuple[np.ndarray, int]:
        """See `Device`."""
        values, address = self._host_memory(size, _driver().CU_MEMHOSTALLOC_DEVICEMAP)
        self._mapped.append(values)
        return values, int(_call("cuMemHostGetDevicePointer", address, 0))

    def _host_memory(self, size: int, flags: int) -> tuple[np.ndarray, int]:
        address = int(_call("cuMemHostAlloc", max(size, 1), flags))
        memory = (ctypes.c_uint8 * max(size, 1)).from_address(address)
        # Not at the end of the process, which frees it anyway: work on the stream may still use it then.
        weakref.finalize(memory, _free_host, self._context, address).atexit = False
        return np.ctypeslib.as_array(memory)[:size], address

    def upload(self, address: int, values: np.ndarray) -> None:
        """See `Device`."""
        _call("cuMemcpyHtoDAsync", address, values.ctypes.data, values.nbytes, self._stream)

    def download(self, values: np.ndarray, address: int) -> None:
        """See `Device`."""
        _call("cuMemcpyDtoHAsync", values.ctypes.data, address, values.nbytes, self._stream)

    def read(self, address: int, values: np.ndarray) -> None:
        """See `Device`."""
        self.wait()
        _call("cuMemcpyDtoH", values.ctypes.data, address, values.nbytes)

    def wait(self) -> None:
        """See `Device`."""
        _call("cuStreamSynchronize", self._stream)

    def time(self, work: Callable[[], None]) -> float:
        """See `Device`."""
        events: list[Any] = []
        try:
            for _ in range(2):
                events.append(_call("cuEventCreate", 0))
            start, end = events
            _call("cuEventRecord", start, self._stream)
            work()
            _call("cuEventRecord", end, self._stream)
            _call("cuEventSynchronize", end)
            return float(_call("cuEventElapsedTime", start, end))
        finally:
            for event in events:
                with suppress(DeviceError):
                    _call("cuEventDestroy", event)

    def capture(self, work: Callable[[], None]) -> Graph:
        """See `Device`."""
        # Thread-local: calls of other threads, such as a camera's, cannot invalidate a capture.
        mode = _driver().CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        try:
            _call("cuStreamBeginCapture", self._stream, mode)
            try:
                work()
            except Exception:
                self._abandon_capture()
                raise
            graph = _call("cuStreamEndCapture", self._stream)
            try:
                captured = _BindingsGraph(self, _call("cuGraphInstantiate", graph, 0))
            finally:
                _call("cuGraphDestroy", graph)
        except Exception as error:
            raise CaptureError(str(error)) from error
        self._graphs.add(captured)
        return captured

    def _abandon_capture(self) -> None:
        """End a capture whose work failed: a stream must not be left capturing."""
        with suppress(DeviceError):  # the driver returns no graph where the capture was invalidated
            _call("cuGraphDestroy", _call("cuStreamEndCapture", self._stream))

    def forget(self, graph: _BindingsGraph) -> None:
        """Drop a graph that was closed."""
        self._graphs.discard(graph)

    def close(self) -> None:
        """See `Device`."""
        if self._context is None:
            return
        with self:
            with suppress(DeviceError):  # work that failed is reported by the call that waits for it, not here
                self.wait()
            for graph in list(self._graphs):
                with suppress(DeviceError):
                    graph.close()
            self._mapped.clear()
            while self._addresses:
                with suppress(DeviceError):
                    _call("cuMemFree", self._addresses.pop())
            with suppress(DeviceError):
                _call("cuStreamDestroy", self._stream)
        self._context = None

    def __enter__(self) -> Device:
        if self._context is None:
            raise RuntimeFailedError("The GPU was released because its Segmenter was closed. Make a new Segmenter.")
        _call("cuCtxPushCurrent", self._context)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(DeviceError):  # what failed inside is told, not that the driver now refuses this too
            _call("cuCtxPopCurrent")


class _BindingsGraph(Graph):
    def __init__(self, device: BindingsDevice, runnable: Any) -> None:
        self._device, self._runnable = device, runnable

    def launch(self) -> None:
        _call("cuGraphLaunch", self._runnable, self._device.stream)

    def close(self) -> None:
        self._device.forget(self)
        _call("cuGraphExecDestroy", self._runnable)


def _free_host(context: Any, address: int) -> None:
    with suppress(DeviceError):  # after an error the driver refuses everything, and its context is lost with all memory
        _call("cuCtxPushCurrent", context)
        try:
            _call("cuMemFreeHost", address)
        finally:
            _call("cuCtxPopCurrent")
