"""The interface of a runtime: it loads a bundle's stages and runs them."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, final

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import Stage
from isfp.engines.choice import Machine
from isfp.errors import RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes.stage_shapes import StageShapes

#: A stage that can be run: named arrays in, named arrays out.
StageRunner = Callable[..., dict[str, Any]]


class LoadedStage:
    """A stage that a runtime has loaded; it can be called until the runtime is closed.

    The outputs are NumPy arrays, or arrays on the device, which other stages of the same runtime take as they are and which
    `numpy.asarray` copies to the host. They belong to the stage and are valid until it runs again: copy what has to last longer.
    """

    def __init__(self, runtime: str, runner: StageRunner, stage: Stage) -> None:
        """Take the name of the runtime, for the error message, what runs the stage, and the stage as the manifest states it."""
        self._runtime = runtime
        self._shapes = StageShapes(stage)
        self.runner: StageRunner | None = runner

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        """Run the stage; see docs/architecture.md for the inputs and outputs of each.

        Raises:
            RuntimeFailedError: the inputs do not fit, the runtime failed, its outputs are not the manifest's, or it was closed.
        """
        if self.runner is None:
            raise closed_error(self._runtime)
        outputs = self.runner(**inputs)
        self._shapes.check(inputs, outputs)
        return outputs

    def close(self) -> None:
        """Release what runs the stage, whoever still holds this object."""
        self.runner = None


class Runtime(ABC):
    """Loads and runs the stages of one bundle.

    The contract, which this class keeps for every runtime:

    - A runtime serves one bundle, one Segmenter and one thread at a time.
    - `load` loads a stage once. Asked for the same stage again, it returns the same `LoadedStage`, with the same buffers.
    - `close` frees every stage; a stage that is called afterwards raises RuntimeFailedError.

    A subclass implements `_load` and, where it holds more than its stages, `_free`.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        """Start with no stages; subclasses call this."""
        self._loaded: dict[str, LoadedStage] = {}
        self._bundle: Bundle | None = None
        self._user: weakref.ref[object] | None = None
        self._closed = False

    @classmethod
    @abstractmethod
    def why_unavailable(cls) -> str | None:
        """Return why this machine cannot run it and what to do about that, or None if it can."""

    @classmethod
    @abstractmethod
    def with_option(cls, option: str, threads: int = 0) -> Runtime:
        """Make the runtime with the option that follows its name: `"onnxruntime:cuda"`, `"tensorrt:int8"`; "" for none.

        Args:
            option: what follows the colon.
            threads: number of threads of a runtime that computes on the CPU; 0 for one on each core that may be used.

        Raises:
            RuntimeUnavailableError: the option is unknown, or this machine cannot run it.
        """

    @classmethod
    def why_unfit(cls, bundle: Bundle) -> str | None:
        """Return why it cannot run this bundle here and what to do about that, or None if it can."""
        return None

    @classmethod
    def machine(cls) -> Machine:
        """Return what the records of its engines are compared with on this machine.

        Raises:
            RuntimeUnavailableError: it runs no engines, or not here.
        """
        raise RuntimeUnavailableError(f"{cls.name} runs a bundle's own stages, and no engines.")

    @final
    def serve(self, user: object) -> None:
        """Take note of the Segmenter that uses it.

        Raises:
            RuntimeFailedError: another one does, which would get this one's results, or it was closed.
        """
        if self._closed:
            raise closed_error(self.name)
        other = self._user() if self._user else None
        if other not in (None, user):
            raise RuntimeFailedError(
                f"This {self.name} runtime serves another Segmenter, and they would share its buffers. Make a runtime for each."
            )
        self._user = weakref.ref(user)

    @final
    def load(self, bundle: Bundle, stage: str) -> LoadedStage:
        """Return a stage of the bundle, ready to run. The first call for a stage loads it, later calls return the same object.

        Raises:
            EngineMismatchError: its model or engine does not fit the manifest, the runtime or this machine.
            RuntimeFailedError: the runtime was closed, or has loaded stages of another bundle.
        """
        if self._closed:
            raise closed_error(self.name)
        if self._bundle is not None and not _same(self._bundle, bundle):
            raise RuntimeFailedError(
                f"This {self.name} runtime holds stages of {self._bundle.path} and was asked for the stage {stage!r} of "
                f"{bundle.path}; a runtime serves one bundle. Make another runtime for it."
            )
        if stage not in self._loaded:
            self._loaded[stage] = LoadedStage(self.name, self._load(bundle, stage), bundle.manifest.stage(stage))
            self._bundle = bundle
        return self._loaded[stage]

    @final
    def close(self) -> None:
        """Free everything that was loaded; it may be called more than once."""
        if self._closed:
            return
        self._closed = True
        self._free()
        release(self._loaded)

    def most_at_once(self, bundle: Bundle) -> int:
        """Return for how many phrases a bundle's stage `find` can run, the network in one graph; 0 where there is no such stage.

        Raises:
            EngineMismatchError: no engine of the bundle fits this machine.
        """
        return 0

    @property
    def longest_frame(self) -> int:
        """Longest side of a camera's frame that `find` takes as it is, pixels; 0 if it takes only letterboxed frames.

        Such a stage also takes `letterbox` and `threshold`, and returns masks of the frame's size: see `FrameStage`.
        """
        return 0

    @property
    def precision(self) -> str | None:
        """What it computes in, such as "fp16"; None for a runtime that computes in what the bundle's stages are stored for."""
        return None

    @contextmanager
    def timed_stages(self) -> Iterator[dict[str, list[float]]]:
        """Time every run of a loaded stage inside a `with` block: stage -> milliseconds of each run, in order.

        On a GPU, times are those between CUDA events on the stream, so that what is only enqueued counts too.
        """
        taken: dict[str, list[float]] = {name: [] for name in self._loaded}
        runners = {name: stage.runner for name, stage in self._loaded.items()}
        for name, runner in runners.items():
            if runner is not None:
                self._loaded[name].runner = partial(self._timed, runner, taken[name])
        try:
            yield taken
        finally:
            for name, runner in runners.items():
                self._loaded[name].runner = runner

    def _timed(self, runner: StageRunner, taken: list[float], **inputs: Any) -> dict[str, Any]:
        """Run a stage, and append its time in milliseconds."""
        start = perf_counter()
        outputs = runner(**inputs)
        taken.append((perf_counter() - start) * 1e3)
        return outputs

    @abstractmethod
    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        """Load a stage; `load` says what may be raised."""

    def _free(self) -> None:  # noqa: B027 - most runtimes hold only their stages
        """Free what is held beside the stages; called once, before the stages are released."""


def release(loaded: dict[str, LoadedStage]) -> None:
    """Release stages and forget them."""
    for stage in loaded.values():
        stage.close()
    loaded.clear()


def closed_error(runtime: str) -> RuntimeFailedError:
    """Return the error of a runtime that is used after it was closed."""
    return RuntimeFailedError(f"{runtime} was closed. Make a new Segmenter.")


def _same(one: Bundle, other: Bundle) -> bool:
    return one is other or (
        one.path.absolute() == other.path.absolute() and one.manifest.fields["sha256"] == other.manifest.fields["sha256"]
    )
