"""What the runtimes of built engines share: the choice of an engine, its stages, one stream, and freeing it all."""

from __future__ import annotations

import weakref
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

from isfp.bundle.bundle import ENGINES, Bundle
from isfp.bundle.manifest import FIND
from isfp.engines.choice import Engine, Machine, choose_engine
from isfp.engines.gpu import first_gpu
from isfp.engines.plans import read_plan, rebuild_command
from isfp.engines.record import EngineRecord, Precision
from isfp.errors import IsfpError, RuntimeUnavailableError
from isfp.runtimes import cuda
from isfp.runtimes.base import LoadedStage, Runtime, StageRunner, closed_error, release
from isfp.runtimes.buffers import stage_buffers
from isfp.runtimes.device import Device
from isfp.runtimes.engine_stage import EngineStage
from isfp.runtimes.frame_stage import FrameStage
from isfp.runtimes.frame_steps import LONGEST_SIDE, find_library, load_library
from isfp.runtimes.plan_engine import PlanExecution, binding_types, check, deserialize


class EngineRuntime(Runtime):
    """Runs plans that were built for this machine."""

    module: ClassVar[str]  # the Python module of TensorRT
    install: ClassVar[str]  # how to get it
    graphs: ClassVar[bool]  # whether the SDK captures CUDA graphs itself

    def __init__(self, precision: str | Precision | None = None) -> None:
        """Take the GPU.

        Args:
            precision: run only engines of this precision; by default the best that the bundle has (`Precision`).

        Raises:
            RuntimeUnavailableError: there is no GPU, or TensorRT or what gives Python the GPU is not installed or cannot start.
        """
        super().__init__()
        try:
            self._precision = None if precision is None else Precision(precision)
        except ValueError as error:
            raise RuntimeUnavailableError(
                f"{self.name} was asked for the precision {precision!r}; expected one of {', '.join(Precision)}."
            ) from error
        if reason := self.why_unavailable():
            raise RuntimeUnavailableError(f"{self.name} cannot run here. {reason}")
        self._trt = self._import()
        self._device: Device | None = cuda.open_device()
        self._engine: Engine | None = None
        # Also when nobody calls close: what is on the GPU would stay there, and pycuda complains where memory outlives its context.
        self._before_release: list[Callable[[], None]] = []  # called while the stages are still there, and the GPU is idle
        self._finalizer = weakref.finalize(self, _release, self._loaded, self._device, self._before_release)

    @classmethod
    def with_option(cls, option: str, threads: int = 0) -> Runtime:
        """Return the runtime with a precision, such as `"int8"`. It computes on the GPU, so `threads` changes nothing."""
        return cls(option) if option else cls()

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what this machine lacks, without importing anything."""
        if first_gpu() is None:
            return "This machine has no NVIDIA GPU, or its driver is not installed."
        if find_spec(cls.module) is None:
            return f"Its Python package is not installed. {cls.install}"
        return cuda.why_unusable()

    @classmethod
    def why_unfit(cls, bundle: Bundle) -> str | None:
        """Return why no engine of the bundle fits this machine, or None where one does."""
        try:
            choose_engine(bundle, cls.machine())
        except IsfpError as error:
            return str(error)
        return None

    @classmethod
    def machine(cls) -> Machine:
        """Return what an engine's record is compared with on this machine.

        Raises:
            RuntimeUnavailableError: this machine has no GPU, or TensorRT is not installed.
        """
        gpu = first_gpu()
        if gpu is None:
            raise RuntimeUnavailableError(f"{cls.name} cannot run here. {cls.why_unavailable()}")
        return Machine(cls.name, cls._import().__version__, gpu.sm, gpu.cuda, gpu.model)

    @classmethod
    def _import(cls) -> Any:
        try:
            return import_module(cls.module)
        except (ImportError, OSError) as error:  # which of the two depends on what is missing
            raise RuntimeUnavailableError(f"{cls.module} cannot be imported: {error}. {cls.install}") from error

    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        device = self.device
        key, record = self._chosen(bundle)
        command = rebuild_command(bundle.path, record)
        where = str(bundle.path / ENGINES / key / record.plans[stage].file)
        content = read_plan(bundle.path, key, record, stage)
        self.prepare(record, bundle)
        assert record.phrases is not None  # records of engines for a GPU have both
        assert record.candidates is not None
        with device:
            engine = deserialize(self._trt, content, where, command)
            types = binding_types(self._trt, engine)
            buffers = stage_buffers(bundle.manifest.stage(stage), record.phrases, record.candidates, types)
            check(self._trt, engine, buffers, where, command)
            execution = PlanExecution(self._trt, engine, stage, self.configure(engine, bundle, stage))
        # TensorRT makes loops of the text stage's GRUs, which NVIDIA's rules leave out of captures; new phrases are rare anyway.
        runner = EngineStage(buffers, device, execution, self.graphs and stage != "text")
        library = find_library() if stage == FIND else None
        return FrameStage(runner, device, load_library(library), bundle.manifest.framing) if library else runner

    def most_at_once(self, bundle: Bundle) -> int:
        """Return the most phrases of the engine's profile if it has the stage `find`; see `Runtime`."""
        record = self._chosen(bundle)[1]
        return record.phrases.max if FIND in record.plans and record.phrases else 0

    def _chosen(self, bundle: Bundle) -> tuple[str, EngineRecord]:
        """The engine's key and record; it is chosen once."""
        if self._engine is None:
            self._engine = choose_engine(bundle, self.machine(), self._precision)
        assert self._engine.record is not None
        return self._engine.key, self._engine.record

    @property
    def stages(self) -> dict[str, EngineStage]:
        """The stages that were loaded, by name; empty once it is closed."""
        runners = {name: stage.runner for name, stage in self._loaded.items()}
        inner = {name: runner.stage if isinstance(runner, FrameStage) else runner for name, runner in runners.items()}
        return {name: runner for name, runner in inner.items() if isinstance(runner, EngineStage)}

    @property
    def longest_frame(self) -> int:
        """See `Runtime`; more than 0 once `find` was loaded and libisfp_frame is here."""
        return LONGEST_SIDE if FIND in self._loaded and isinstance(self._loaded[FIND].runner, FrameStage) else 0

    @property
    def record(self) -> EngineRecord | None:
        """The record of the engine that runs; None before the first stage is loaded."""
        return self._engine.record if self._engine else None

    @property
    def device(self) -> Device:
        """The GPU that it runs on.

        Raises:
            RuntimeFailedError: the runtime was closed.
        """
        if self._device is None:
            raise closed_error(self.name)
        return self._device

    def wait(self) -> None:
        """Wait until the GPU has finished everything on the stream; for timing a stage alone."""
        with self.device as device:
            device.wait()

    @property
    def precision(self) -> str | None:
        """The precision of the engine that runs; None before the first stage is loaded."""
        return str(self.record.precision) if self.record else None

    def _timed(self, runner: StageRunner, taken: list[float], **inputs: Any) -> dict[str, Any]:
        outputs: dict[str, Any] = {}
        with self.device as device:
            taken.append(device.time(lambda: outputs.update(runner(**inputs))))
        return outputs

    def _free(self) -> None:
        self._device = None
        self._finalizer()

    @abstractmethod
    def prepare(self, record: EngineRecord, bundle: Bundle) -> None:
        """Do what must be done before a plan is loaded."""

    @abstractmethod
    def configure(self, engine: Any, bundle: Bundle, stage: str) -> Any:
        """Return the runtime configuration for the context of a stage's engine, None for the default."""


def _release(loaded: dict[str, LoadedStage], device: Device, before: list[Callable[[], None]]) -> None:
    with device:
        with suppress(Exception):  # work that failed is reported where it was waited for
            device.wait()
            for work in before:
                work()
        release(loaded)  # execution contexts and engines first: their memory belongs to the device's context
        before.clear()  # with what the contexts used
    device.close()
