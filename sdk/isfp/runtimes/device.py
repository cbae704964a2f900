"""What a stage needs from a GPU, and nothing more: memory, copies, one stream, graphs. `cuda.py` chooses what implements it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from isfp.errors import RuntimeFailedError


class DeviceError(RuntimeFailedError):
    """A call of the GPU's driver failed; the message names the call and gives the driver's reason."""


class CaptureError(Exception):
    """Work on the stream could not be captured as a graph; it can still run step by step."""


class Graph(ABC):
    """Work that was captured from a stream."""

    @abstractmethod
    def launch(self) -> None:
        """Put all of it on the stream at once."""

    @abstractmethod
    def close(self) -> None:
        """Free the graph, which must not be running."""


class Device(ABC):
    """One GPU and one stream on it. Copies are asynchronous, on the stream; `wait` waits for them.

    Use it as a context manager around every other call: the GPU's context is current in a thread only inside. A call that fails
    raises DeviceError, or an error of the package that makes the call.
    """

    @property
    @abstractmethod
    def stream(self) -> int:
        """The stream's handle."""

    @abstractmethod
    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes on the GPU, held until `close`."""

    @abstractmethod
    def allocate_host(self, size: int) -> np.ndarray:
        """Return uint8 `[size]` of page-locked host memory, which copies need to be asynchronous; held until `close`."""

    @property
    @abstractmethod
    def shares_memory(self) -> bool:
        """Whether the GPU works in the host's own memory, as a Jetson's does."""

    @abstractmethod
    def allocate_mapped(self, size: int) -> tuple[np.ndarray, int]:
        """Return page-locked memory that the GPU reads and writes where it lies: uint8 `[size]`, and its address on the GPU.

        It is held until `close`. On a GPU with memory of its own, each access would cross the bus.
        """

    @abstractmethod
    def upload(self, address: int, values: np.ndarray) -> None:
        """Put a copy from page-locked memory to the GPU on the stream."""

    @abstractmethod
    def download(self, values: np.ndarray, address: int) -> None:
        """Put a copy from the GPU to page-locked memory on the stream."""

    def launch(self, work: Callable[[int], None]) -> None:
        """Let `work` put kernels of its own on the stream, whose handle it is given."""
        work(self.stream)

    @abstractmethod
    def read(self, address: int, values: np.ndarray) -> None:
        """Wait for the stream, and copy from the GPU to any contiguous memory."""

    @abstractmethod
    def wait(self) -> None:
        """Wait until everything on the stream is done."""

    @abstractmethod
    def time(self, work: Callable[[], None]) -> float:
        """Do what `work` puts on the stream, wait for it, and return how long the GPU took, in milliseconds."""

    @abstractmethod
    def capture(self, work: Callable[[], None]) -> Graph:
        """Capture what `work` puts on the stream; none of it runs before the graph is launched.

        Raises:
            CaptureError: it cannot be captured; the stream is still usable.
        """

    @abstractmethod
    def close(self) -> None:
        """Free everything, including graphs that are still open; it may be called more than once."""

    @abstractmethod
    def __enter__(self) -> Device: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...


class DeviceArray:
    """An array on the GPU, which other stages take as it is; `numpy.asarray` copies it to the host, as `dtype`.

    On the GPU its values are of the type `stored`. It is valid until the stage that returned it runs again.
    """

    def __init__(
        self, device: Device, address: int, shape: tuple[int, ...], dtype: np.dtype, stored: np.dtype | None = None
    ) -> None:
        """Take its address. `stored` is `dtype` if it is not given."""
        self.device, self.address, self.shape, self.dtype, self.stored = device, address, shape, dtype, stored or dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("an array on the GPU cannot be seen from the host without a copy")
        values = np.empty(self.shape, self.stored)
        with self.device:
            self.device.read(self.address, values)
        return values.astype(self.dtype if dtype is None else dtype, copy=False)
