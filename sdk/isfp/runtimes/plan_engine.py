"""What TensorRT and TensorRT-RTX share: their Python modules have the same interface and fail in the same ways.

Both return None or False if something went wrong, and report the reason only to their logger. Here each such return value becomes
an error with the logger's messages.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any

from isfp.errors import EngineMismatchError, RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes.buffers import StageBuffers, TensorBuffer
from isfp.runtimes.engine_stage import Execution

_KEPT = 20  # messages of a call; the first is more often the cause than the last


class Messages:
    """The warnings and errors that a module's logger has received since `clear`."""

    def __init__(self) -> None:
        self._kept: deque[str] = deque(maxlen=_KEPT)
        self.logger: Any = None

    def clear(self) -> None:
        """Forget earlier messages, before a call."""
        self._kept.clear()

    def add(self, text: str) -> None:
        """Keep a message."""
        self._kept.append(text)

    def text(self) -> str:
        """Return the messages, or a note that there are none."""
        return " | ".join(self._kept) or "it gave no reason"


@cache
def messages_of(trt: Any) -> Messages:
    """Return the one logger of a module, which keeps using the first logger that it is given until the process ends."""
    messages = Messages()
    loud = (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR, trt.ILogger.Severity.WARNING)

    class Logger(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            if severity in loud:
                messages.add(msg)

    messages.logger = Logger()
    return messages


@cache
def _runtime_of(trt: Any) -> Any:
    """Return the module's runtime object, which must outlive all engines, so it is kept until the process ends."""
    messages = messages_of(trt)
    messages.clear()
    try:
        return trt.Runtime(messages.logger)
    except (TypeError, RuntimeError) as error:  # pybind11 turns a null pointer into a TypeError
        raise RuntimeUnavailableError(
            f"{trt.__name__} {trt.__version__} cannot start: {messages.text()} ({error}). Check the driver: isfp doctor"
        ) from error


def deserialize(trt: Any, content: bytes, where: str, command: str) -> Any:
    """Make an engine from a plan whose path and hash were checked (`plans.read_plan`).

    Args:
        trt: the module, `tensorrt` or `tensorrt_rtx`.
        content: the plan.
        where: its path, for messages.
        command: the command that builds it again.

    Raises:
        EngineMismatchError: this TensorRT, this GPU or a missing plugin does not allow it.
        RuntimeUnavailableError: TensorRT itself cannot start.
    """
    runtime = _runtime_of(trt)
    messages = messages_of(trt)
    messages.clear()
    engine = runtime.deserialize_cuda_engine(content)
    if engine is None:
        raise EngineMismatchError(
            f"{trt.__name__} {trt.__version__} cannot load {where}. It says: {messages.text()}. Build it again: {command}",
            "plan",
            messages.text(),
            "a plan that this TensorRT loads",
            command,
        )
    return engine


def binding_types(trt: Any, engine: Any) -> dict[str, str]:
    """Return the type of each input and output of an engine by name, as NumPy calls it: "float16"."""
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    return {name: _type_name(trt, engine, name) for name in names}


def check(trt: Any, engine: Any, buffers: StageBuffers, where: str, command: str) -> None:
    """Refuse an engine whose inputs and outputs are not those of the stage, or whose profile is narrower than its record says.

    Raises:
        EngineMismatchError: it is such an engine.
    """
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    found = {name: _describe(trt, engine, name) for name in names}
    wanted = {t.name: ("INPUT", t.stored.name, _sizes(t)) for t in buffers.inputs}
    wanted.update({t.name: ("OUTPUT", t.stored.name, _sizes(t)) for t in buffers.outputs})
    if found != wanted:
        raise EngineMismatchError(
            f"{where} has {found}; expected {wanted}. Build it again: {command}", "plan", found, wanted, command
        )
    for tensor in buffers.inputs:
        if not tensor.dynamic:
            continue
        least, _, most = (tuple(shape) for shape in engine.get_tensor_profile_shape(tensor.name, 0))
        spans = buffers.spans
        expected = tuple(tensor.at({axis: getattr(spans[axis], end) for axis in spans}) for end in ("min", "max"))
        if any(a > b for a, b in zip(least, expected[0], strict=True)) or any(
            a < b for a, b in zip(most, expected[1], strict=True)
        ):
            raise EngineMismatchError(
                f"{where} takes {tensor.name} from {least} to {most}; expected, as its record says, {expected[0]} to "
                f"{expected[1]}. Build it again: {command}",
                "phrases",
                (least, most),
                expected,
                command,
            )


def _describe(trt: Any, engine: Any, name: str) -> tuple[str, str, list[int]]:
    mode = "INPUT" if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT else "OUTPUT"
    return mode, _type_name(trt, engine, name), list(engine.get_tensor_shape(name))


def _type_name(trt: Any, engine: Any, name: str) -> str:
    dtype = trt.nptype(engine.get_tensor_dtype(name))
    return getattr(dtype, "__name__", str(dtype))


def _sizes(tensor: TensorBuffer) -> list[int]:
    return [-1 if isinstance(size, str) else size for size in tensor.shape]


class PlanExecution(Execution):
    """An execution context of an engine; it holds both."""

    def __init__(self, trt: Any, engine: Any, stage: str, config: Any = None) -> None:
        """Make the context, with a runtime configuration where the module has one.

        Raises:
            RuntimeFailedError: it could not be made, mostly for lack of memory.
        """
        self._messages, self._stage = messages_of(trt), stage
        self._messages.clear()
        # In the order in which they may be freed: a context uses its configuration, and all of them the engine.
        self._context = engine.create_execution_context() if config is None else engine.create_execution_context(config)
        self._config, self._engine = config, engine
        self._hold(self._context is not None, "make an execution context")

    def set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """See `Execution`."""
        self._messages.clear()
        self._hold(self._context.set_input_shape(name, shape), f"take {name} of the shape {list(shape)}")

    def set_address(self, name: str, address: int) -> None:
        """See `Execution`."""
        self._messages.clear()
        self._hold(self._context.set_tensor_address(name, address), f"take an address for {name}")

    def enqueue(self, stream: int) -> None:
        """See `Execution`."""
        self._messages.clear()
        self._hold(self._context.execute_async_v3(stream), "run")

    def _hold(self, good: bool, what: str) -> None:
        if not good:
            raise RuntimeFailedError(f"The engine of the stage {self._stage!r} cannot {what}. It says: {self._messages.text()}")
