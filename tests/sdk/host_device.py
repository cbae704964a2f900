"""A device made of host memory, for tests of what surrounds a GPU: addresses are real, copies are queued until waited for.

The stages on it are run by ONNX Runtime, so a whole Segmenter can be held equal to ONNX Runtime's own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np
import onnx
import onnxruntime

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import FIND
from isfp.engines.record import Span
from isfp.errors import RuntimeFailedError
from isfp.runtimes.base import Runtime, StageRunner
from isfp.runtimes.buffers import StageBuffers, stage_buffers
from isfp.runtimes.device import CaptureError, Device, Graph
from isfp.runtimes.engine_stage import EngineStage, Execution
from isfp.runtimes.frame_stage import FrameStage
from isfp.runtimes.frame_steps import LONGEST_SIDE, FrameLibrary


class HostDevice(Device):
    """Counts allocations and the copies that are carried out; its stream does nothing before `wait`, as a slow GPU's would."""

    def __init__(self, captures: bool = True, shares_memory: bool = False) -> None:
        self.captures = captures
        self._shares_memory = shares_memory
        self.entered = 0
        self.allocations: list[int] = []
        self.host_allocations: list[int] = []
        self.uploads: list[int] = []
        self.downloads: list[int] = []
        self.waits = 0
        self.graphs = 0
        self.closed = False
        self._memory: list[np.ndarray] = []
        self._queue: list[Callable[[], None]] = []
        self._recording: list[Callable[[], None]] | None = None

    @property
    def stream(self) -> int:
        return 7

    def allocate(self, size: int) -> int:
        self._inside()
        self.allocations.append(size)
        self._memory.append(np.full(size, 0xA5, np.uint8))
        return self._memory[-1].ctypes.data

    def allocate_host(self, size: int) -> np.ndarray:
        self._inside()
        self.host_allocations.append(size)
        return np.full(size, 0x5A, np.uint8)

    @property
    def shares_memory(self) -> bool:
        return self._shares_memory

    def allocate_mapped(self, size: int) -> tuple[np.ndarray, int]:
        self._inside()
        self._memory.append(np.full(size, 0x3C, np.uint8))
        return self._memory[-1], self._memory[-1].ctypes.data

    def upload(self, address: int, values: np.ndarray) -> None:
        self._inside()
        assert values.flags.c_contiguous
        self.put(lambda: (self.uploads.append(values.nbytes), ctypes.memmove(address, values.ctypes.data, values.nbytes)))

    def download(self, values: np.ndarray, address: int) -> None:
        self._inside()
        assert values.flags.c_contiguous
        self.put(lambda: (self.downloads.append(values.nbytes), ctypes.memmove(values.ctypes.data, address, values.nbytes)))

    def launch(self, work: Callable[[int], None]) -> None:
        self._inside()
        self.put(lambda: work(self.stream))

    def read(self, address: int, values: np.ndarray) -> None:
        self.wait()
        ctypes.memmove(values.ctypes.data, address, values.nbytes)

    def wait(self) -> None:
        self._inside()
        assert self._recording is None, "waiting breaks a capture"
        self.waits += 1
        while self._queue:
            self._queue.pop(0)()

    def time(self, work: Callable[[], None]) -> float:
        self._inside()
        start = perf_counter()
        work()
        self.wait()
        return (perf_counter() - start) * 1e3

    def capture(self, work: Callable[[], None]) -> Graph:
        if not self.captures:
            raise CaptureError("this device captures nothing")
        self._recording = []
        try:
            work()
            return HostGraph(self, self._recording)
        finally:
            self._recording = None

    def close(self) -> None:
        self._memory.clear()
        self.closed = True

    def put(self, work: Callable[[], object]) -> None:
        """Put work on the stream, or into the capture."""
        (self._queue if self._recording is None else self._recording).append(lambda: (work(), None)[1])

    def __enter__(self) -> Device:
        self.entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.entered -= 1

    def _inside(self) -> None:
        assert self.entered, "the device's context is not current"


class HostGraph(Graph):
    def __init__(self, device: HostDevice, work: list[Callable[[], None]]) -> None:
        self._device, self._work = device, work
        device.graphs += 1

    def launch(self) -> None:
        for step in self._work:
            self._device.put(step)

    def close(self) -> None:
        self._work.clear()
        self._device.graphs -= 1


class HostExecution(Execution):
    """Runs a stage's ONNX with ONNX Runtime on the memory that it was given, when the stream comes to it."""

    def __init__(self, device: HostDevice, content: bytes, buffers: StageBuffers) -> None:
        self._device, self._buffers = device, buffers
        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        tensor = next(tensor for tensor in self._buffers.inputs if tensor.name == name)
        most = tensor.at({axis: span.max for axis, span in self._buffers.spans.items()})
        if any(size > limit for size, limit in zip(shape, most, strict=True)):
            raise RuntimeFailedError(f"{shape} is beyond the profile")
        self.shapes[name] = shape

    def set_address(self, name: str, address: int) -> None:
        self.addresses[name] = address

    def enqueue(self, stream: int) -> None:
        assert stream == self._device.stream
        shapes, addresses = dict(self.shapes), dict(self.addresses)
        self._device.put(lambda: self._run(shapes, addresses))

    def _run(self, shapes: dict[str, tuple[int, ...]], addresses: dict[str, int]) -> None:
        inputs = {t.name: _at(addresses[t.name], shapes[t.name], t.stored).copy() for t in self._buffers.inputs}
        names = [tensor.name for tensor in self._buffers.outputs]
        for name, value in zip(names, self._session.run(names, inputs), strict=True):
            _at(addresses[name], value.shape, value.dtype)[...] = value


def _at(address: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = int(np.prod(shape)) * dtype.itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)


def _types(content: bytes) -> dict[str, str]:
    """The types of a model's inputs and outputs, as `binding_types` gives an engine's."""
    graph = onnx.load_from_string(content).graph
    return {v.name: onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type).name for v in (*graph.input, *graph.output)}


PHRASES, CANDIDATES = Span(1, 1, 8), Span(1, 1, 3)


class HostRuntime(Runtime):
    """A runtime of stages on a HostDevice."""

    name = "host"

    def __init__(
        self,
        phrases: Span = PHRASES,
        candidates: Span = CANDIDATES,
        captures: bool = True,
        find: bytes | None = None,
        stages: Mapping[str, bytes] | None = None,
        library: FrameLibrary | None = None,
        shares_memory: bool = False,
    ) -> None:
        """Take what an engine has instead of the bundle's stages.

        `find` is the ONNX of the stage of this name, which bundles have not; `stages` that of others; `library` the steps around
        `find`, for host memory; `shares_memory` makes the device one of a Jetson's kind.
        """
        super().__init__()
        self._library = library
        self._find = find
        self._models = {**(stages or {}), **({FIND: find} if find else {})}
        self.device = HostDevice(captures, shares_memory)
        self._spans = phrases, candidates

    @classmethod
    def why_unavailable(cls) -> str | None:
        return None

    @classmethod
    def with_option(cls, option: str, threads: int = 0) -> Runtime:
        raise NotImplementedError

    def most_at_once(self, bundle: Bundle) -> int:
        return self._spans[0].max if self._find else 0

    @property
    def stages(self) -> dict[str, EngineStage]:
        runners = {name: stage.runner for name, stage in self._loaded.items()}
        return {name: runner.stage if isinstance(runner, FrameStage) else runner for name, runner in runners.items()}

    @property
    def longest_frame(self) -> int:
        return LONGEST_SIDE if self._library else 0

    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        content = self._models.get(stage) or bundle.read(bundle.manifest.stages[stage].file)
        buffers = stage_buffers(bundle.manifest.stage(stage), *self._spans, _types(content))
        execution = HostExecution(self.device, content, buffers)
        runner = EngineStage(buffers, self.device, execution)
        if stage != FIND or self._library is None:
            return runner
        return FrameStage(runner, self.device, self._library, bundle.manifest.framing)

    def _free(self) -> None:
        self.device.close()
