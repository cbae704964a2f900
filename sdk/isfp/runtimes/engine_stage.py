"""One stage on a GPU: upload, engine, download, in buffers that are allocated once and in one CUDA graph where that works."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from isfp.errors import IsfpError, RuntimeFailedError
from isfp.runtimes.buffers import StageBuffers, TensorBuffer
from isfp.runtimes.device import CaptureError, Device, DeviceArray, DeviceError, Graph

_log = logging.getLogger("isfp")


class Execution(ABC):
    """One engine's execution context; a call that fails raises RuntimeFailedError with the engine's message."""

    @abstractmethod
    def set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """Set the shape of an input."""

    @abstractmethod
    def set_address(self, name: str, address: int) -> None:
        """Set the address of an input or output on the GPU."""

    @abstractmethod
    def enqueue(self, stream: int) -> None:
        """Put one inference on the stream."""


class Around(ABC):
    """What is done on the device right before and after a stage's engine, in the same CUDA graph."""

    @property
    @abstractmethod
    def key(self) -> tuple:
        """What a graph of it depends on, such as addresses and sizes."""

    @abstractmethod
    def before(self) -> None:
        """Put what comes first on the stream."""

    @abstractmethod
    def after(self, outputs: Mapping[str, int]) -> None:
        """Put what comes last on the stream, given the addresses of the stage's outputs."""


class _TensorMemory:
    """One tensor's memory, on the GPU and page-locked on the host; each is allocated on first use and kept."""

    def __init__(self, device: Device, buffer: TensorBuffer) -> None:
        self._device, self._buffer = device, buffer
        self._address: int | None = None
        self._host: np.ndarray | None = None

    @property
    def address(self) -> int:
        if self._address is None:
            self._address = self._device.allocate(self._buffer.bytes)
        return self._address

    def host(self, shape: tuple[int, ...]) -> np.ndarray:
        """The page-locked memory, seen as an array of this shape."""
        if self._host is None:
            self._host = self._device.allocate_host(self._buffer.bytes)
        size = int(np.prod(shape)) * self._buffer.stored.itemsize
        return self._host[:size].view(self._buffer.stored).reshape(shape)


class EngineStage:
    """Runs a stage: a `StageRunner`.

    Outputs that do not depend on phrases (the visual maps) stay on the GPU as `DeviceArray`s, which other stages take as they
    are. Outputs for phrases are downloaded to page-locked memory, valid until the stage runs again.
    """

    def __init__(self, buffers: StageBuffers, device: Device, execution: Execution, graphs: bool = True) -> None:
        """Take a stage's buffers and its execution context.

        Args:
            buffers: the shapes and largest sizes of its inputs and outputs.
            device: where it runs.
            execution: the engine.
            graphs: capture a CUDA graph when the same shape comes twice in a row. One graph is kept, for the shape that the
                context is set to: a graph refers to memory of its context, which another shape may use differently.
        """
        self._buffers, self._device, self._execution, self._graphs = buffers, device, execution, graphs
        self._memory = {tensor.name: _TensorMemory(device, tensor) for tensor in (*buffers.inputs, *buffers.outputs)}
        self._set: tuple | None = None  # the shapes and addresses that the context is set to
        self._graph: Graph | None = None
        self.replayed = 0  # how many runs replayed a graph

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        """Run the stage on named arrays; see docs/architecture.md for its inputs and outputs.

        Raises:
            RuntimeFailedError: the inputs do not fit, or the engine failed.
        """
        return self.run(inputs)

    def run(self, inputs: dict[str, Any], around: Around | None = None, kept: Collection[str] = ()) -> dict[str, Any]:
        """Run the stage.

        Args:
            inputs: arrays by name.
            around: what to do before and after it; only for as many phrases as the profile takes at once.
            kept: outputs that stay on the GPU though they depend on phrases.

        Raises:
            RuntimeFailedError: the inputs do not fit, or the engine failed.
        """
        try:
            sizes = self._buffers.sizes(inputs)
            pieces = self._buffers.pieces(sizes)
            with self._device:
                if len(pieces) == 1:
                    return self._run(inputs, sizes, around, kept)
                if around is not None:
                    raise ValueError(f"they are more than the engine's {self._buffers.spans} at once")
                return self._in_pieces(inputs, sizes, pieces)
        except Exception as error:  # pycuda's errors have no common base
            if isinstance(error, IsfpError) and not isinstance(error, DeviceError):
                raise
            shapes = {name: list(getattr(value, "shape", [])) for name, value in inputs.items()}
            raise RuntimeFailedError(f"The stage {self._buffers.name!r} failed on {shapes}: {error}") from error

    def _in_pieces(self, inputs: dict[str, Any], sizes: dict[str, int], pieces: list[dict[str, slice]]) -> dict[str, Any]:
        whole = {tensor.name: np.empty(tensor.at(sizes), tensor.dtype) for tensor in self._buffers.outputs}
        for piece in pieces:
            part = {tensor.name: tensor.cut(inputs[tensor.name], piece) for tensor in self._buffers.inputs}
            outputs = self._run(part, {axis: part.stop - part.start for axis, part in piece.items()})
            for tensor in self._buffers.outputs:
                tensor.cut(whole[tensor.name], piece)[...] = outputs[tensor.name]
        return whole

    def _run(
        self, inputs: dict[str, Any], sizes: dict[str, int], around: Around | None = None, kept: Collection[str] = ()
    ) -> dict[str, Any]:
        buffers, device, memory = self._buffers, self._device, self._memory
        downloads = {t.name: memory[t.name].host(t.at(sizes)) for t in buffers.outputs if t.dynamic and t.name not in kept}
        if not downloads:
            device.wait()  # the previous run may still read what the next lines overwrite; stages with downloads have waited
        uploads: dict[str, np.ndarray] = {}
        addresses: dict[str, int] = {}
        for tensor in buffers.inputs:
            value = inputs[tensor.name]
            if isinstance(value, DeviceArray) and value.device is device and value.stored == tensor.stored:
                addresses[tensor.name] = value.address
            else:
                uploads[tensor.name] = memory[tensor.name].host(tensor.at(sizes))
                np.copyto(uploads[tensor.name], np.asarray(value))
                addresses[tensor.name] = memory[tensor.name].address
        addresses.update({tensor.name: memory[tensor.name].address for tensor in buffers.outputs})

        def work() -> None:
            if around is not None:
                around.before()
            for name, values in uploads.items():
                device.upload(addresses[name], values)
            self._execution.enqueue(device.stream)
            if around is not None:
                around.after(addresses)
            for name, values in downloads.items():
                device.download(values, addresses[name])

        key = tuple(sizes.items()), tuple(addresses.items()), tuple(downloads), around and around.key
        self._enqueue(key, sizes, addresses, work)
        if downloads:
            device.wait()
        return {
            t.name: downloads.get(t.name, DeviceArray(device, addresses[t.name], t.at(sizes), t.dtype, t.stored))
            for t in buffers.outputs
        }

    def _enqueue(self, key: tuple, sizes: dict[str, int], addresses: dict[str, int], work: Callable[[], None]) -> None:
        if key == self._set and self._graph is not None:
            self._graph.launch()
            self.replayed += 1
            return
        again, self._set = key == self._set, None  # stays None if the rest fails
        if not again:
            if self._graph is not None:
                self._device.wait()
                self._graph.close()
                self._graph = None
            for tensor in self._buffers.inputs:
                self._execution.set_shape(tensor.name, tensor.at(sizes))
            for name, address in addresses.items():
                self._execution.set_address(name, address)
        work()
        self._set = key
        if again and self._graphs:
            # The previous run and this one have initialised what the shape needs (NVIDIA: enqueue once before a capture).
            self._device.wait()
            try:
                self._graph = self._device.capture(work)
            except CaptureError as error:
                self._graphs = False
                _log.warning("The stage %r runs without a CUDA graph: %s", self._buffers.name, error)
