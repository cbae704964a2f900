"""ONNX Runtime: runs a bundle's stages on any CPU, and on other devices through its execution providers."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from isfp.bundle.bundle import Bundle
from isfp.errors import EngineMismatchError, RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes import onnxruntime_providers
from isfp.runtimes.base import Runtime, StageRunner
from isfp.runtimes.stage_shapes import check_ports
from isfp.runtimes.threads import usable_cores
from isfp.runtimes.watchdog import RUN_LIMIT, Watchdog
from isfp.steps.arguments import MOST_THREADS, number_between, shortened, whole_number

_TYPES = {"tensor(uint8)": "uint8", "tensor(int32)": "int32", "tensor(float)": "float32"}  # as NumPy calls them
_ERRORS_ONLY = 3
#: Microseconds for which a thread waits for the next operator without sleeping. On two quiet cores a frame takes 0.91 of the time
#: that it takes without, and 1.06 where another program takes one of them; with 50 it is 0.89 and 1.25.
_SPIN = "10"
_CAN_LIMIT_SPINNING = (1, 26)  # ONNX Runtime
_LONGEST_SHOWN = 2000  # letters of a message


class OnnxRuntime(Runtime):
    """Runs the stages' ONNX files with ONNX Runtime."""

    name: ClassVar[str] = "onnxruntime"

    def __init__(
        self,
        threads: int = 0,
        providers: Sequence[str] = ("CPUExecutionProvider",),
        options: Mapping[str, Mapping[str, str]] | None = None,
        run_limit: float | None = None,
    ) -> None:
        """Choose how to run.

        Args:
            threads: number of threads for one stage; 0 for one on each physical core that this process may use.
            providers: execution providers, best first, such as `("CUDAExecutionProvider", "CPUExecutionProvider")`. Operators
                that one lacks run on the next; it is an error if the first cannot run at all.
            options: options by provider, over those of `onnxruntime_providers`, such as
                `{"TensorrtExecutionProvider": {"trt_fp16_enable": "True"}}`.
            run_limit: seconds after which a run of a stage is stopped, because the bundle may have an endless loop in it; 0 for no
                limit. By default 120, and no limit for providers that build engines within a run (TensorRT's).

        Raises:
            RuntimeUnavailableError: ONNX Runtime is not installed, or lacks one of the providers.
            IsfpError: a number is out of range.
        """
        super().__init__()
        reason = self.why_unavailable()
        if reason:
            raise RuntimeUnavailableError(f"ONNX Runtime cannot run here. {reason}")
        import onnxruntime

        lacking = [provider for provider in providers if provider not in onnxruntime.get_available_providers()]
        if lacking:
            raise RuntimeUnavailableError(
                f"ONNX Runtime {onnxruntime.__version__} was asked for providers {list(providers)}; expected some of "
                f"{onnxruntime.get_available_providers()}."
            )
        threads = whole_number("The number of threads", threads, 0, MOST_THREADS)
        if run_limit is not None:
            number_between("run_limit", run_limit, 0, threading.TIMEOUT_MAX, "seconds, or 0 for no limit")
        self._providers = list(providers)
        self._provider_options = dict(options or {})
        self._run_options = onnxruntime.RunOptions()
        builds_engines = not {onnxruntime_providers.TENSORRT, onnxruntime_providers.TENSORRT_RTX}.isdisjoint(providers)
        self._run_limit = (0.0 if builds_engines else RUN_LIMIT) if run_limit is None else run_limit
        self._watchdog = Watchdog(self._run_limit, self._run_options) if self._run_limit else None
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads or usable_cores()
        self._options.log_severity_level = _ERRORS_ONLY
        for name, value in _spinning(onnxruntime.__version__).items():
            self._options.add_session_config_entry(name, value)

    @classmethod
    def with_option(cls, option: str, threads: int = 0) -> Runtime:
        """Return the runtime with a chain of providers: cpu (the default), cuda, tensorrt or tensorrt-rtx."""
        return cls(threads, providers=onnxruntime_providers.chain(option or "cpu"))

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return why ONNX Runtime cannot be imported, or None if it can."""
        try:
            import onnxruntime
        except ImportError as error:
            return f"It cannot be imported ({error}). Install it: pip install onnxruntime"
        if not hasattr(onnxruntime, "InferenceSession"):
            return "Its installation is damaged. Install it again: pip install --force-reinstall onnxruntime"
        return None

    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        import onnxruntime

        entry = bundle.manifest.stages[stage]
        options = [
            {**onnxruntime_providers.options(provider, bundle, entry), **self._provider_options.get(provider, {})}
            for provider in self._providers
        ]
        try:
            session = onnxruntime.InferenceSession(
                bundle.read(entry.file), sess_options=self._options, providers=self._providers, provider_options=options
            )
        except Exception as error:  # ONNX Runtime raises a dozen types that have no common base
            if isinstance(error, MemoryError):
                raise
            raise EngineMismatchError(
                f"ONNX Runtime {onnxruntime.__version__} cannot load {bundle.path / entry.file}: {_shortened(error)}. "
                "Upgrade it (pip install --upgrade onnxruntime), or export the bundle for its opset."
            ) from error
        if session.get_providers()[0] != self._providers[0]:
            raise RuntimeUnavailableError(
                f"ONNX Runtime fell back to {session.get_providers()}; expected {self._providers}. "
                "The provider's own libraries (CUDA, cuDNN) are missing or have another version."
            )
        check_ports(entry, str(bundle.path / entry.file), _ports(session.get_inputs()), _ports(session.get_outputs()))
        outputs = [output.name for output in session.get_outputs()]

        watchdog, run_options = self._watchdog, self._run_options

        def run(**inputs: np.ndarray) -> dict[str, Any]:
            stopped = False
            try:
                try:
                    if watchdog:
                        watchdog.start()
                    found = session.run(outputs, inputs, run_options)
                finally:
                    stopped = watchdog is not None and watchdog.end()
                return dict(zip(outputs, found, strict=True))
            except Exception as error:
                if stopped:
                    raise self._endless(stage) from error
                shapes = {name: list(value.shape) for name, value in inputs.items()}
                raise RuntimeFailedError(f"ONNX Runtime failed in the stage {stage!r} on {shapes}: {_shortened(error)}") from error

        return run

    def _free(self) -> None:
        if self._watchdog:
            self._watchdog.close()

    def _endless(self, stage: str) -> RuntimeFailedError:
        return RuntimeFailedError(
            f"The stage {stage!r} did not end within {self._run_limit:g} s, and was stopped. The bundle may have an endless loop "
            "in it: use one that you exported yourself. If this machine is only slow, raise the limit: "
            "Segmenter(BUNDLE, runtime=OnnxRuntime(run_limit=SECONDS)); 0 is no limit."
        )


def _spinning(version: str) -> dict[str, str]:
    """Settings of how long threads spin.

    Each stage has its own threads. If they kept spinning after their work, they would take the cores from the next stage: a frame
    took 1.75 times as long on two cores. So they stop at the end of a run, and where their time cannot be limited, they never spin.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < _CAN_LIMIT_SPINNING:
        return {"session.intra_op.allow_spinning": "0"}
    return {
        "session.intra_op.allow_spinning": "1",
        "session.intra_op.spin_duration_us": _SPIN,
        "session.force_spinning_stop": "1",
    }


def _ports(nodes: Any) -> dict[str, tuple[str, list]]:
    """Type and shape of each input or output by name; a dynamic dimension is its name or None."""
    return {node.name: (_TYPES.get(node.type, node.type), list(node.shape)) for node in nodes}


def _shortened(said: object) -> str:
    """What ONNX Runtime says, without the rest of a bundle's names, which may have any length."""
    return shortened(str(said), _LONGEST_SHOWN, "...")
