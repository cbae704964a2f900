"""The runtimes that can run a bundle, and the choice of the best one."""

from __future__ import annotations

import warnings
from importlib import import_module

from isfp.bundle.bundle import Bundle
from isfp.engines.choice import engines_of
from isfp.engines.gpu import first_gpu
from isfp.errors import RuntimeUnavailableError
from isfp.runtimes.base import LoadedStage, Runtime
from isfp.steps.arguments import shown

__all__ = ["RUNTIMES", "LoadedStage", "Runtime", "choose", "runtime_class"]

# In the order in which "auto" tries them. A runtime's module is imported only when it is asked for.
RUNTIMES = {
    "tensorrt": "isfp.runtimes.tensorrt:TensorRT",
    "tensorrt-rtx": "isfp.runtimes.tensorrt_rtx:TensorRTRTX",
    "onnxruntime": "isfp.runtimes.onnxruntime:OnnxRuntime",
    "openvino": "isfp.runtimes.openvino:OpenVino",
}


def runtime_class(name: str) -> type[Runtime]:
    """Return the class of a runtime.

    Raises:
        RuntimeUnavailableError: there is no runtime of this name.
    """
    if name not in RUNTIMES:
        raise RuntimeUnavailableError(f"There is no runtime {name!r}; expected one of: {_known()}.")
    module, _, attribute = RUNTIMES[name].partition(":")
    return getattr(import_module(module), attribute)


def choose(name: str = "auto", bundle: Bundle | None = None, threads: int = 0) -> Runtime:
    """Return a runtime by name, or for `"auto"` the best that this machine has and that can run the bundle.

    If `auto` does not use a GPU that could run it, a RuntimeWarning says why and what to do.

    Args:
        name: `"auto"`, or a name, optionally followed by a colon and an option: `"tensorrt:int8"`, `"onnxruntime:cuda"`,
            `"openvino:bf16"`.
        bundle: the bundle that it is to run.
        threads: number of threads of a runtime that computes on the CPU; 0 for one on each core that this process may use.

    Raises:
        RuntimeUnavailableError: the runtime is unknown, or this machine cannot run it.
    """
    if not isinstance(name, str):
        raise RuntimeUnavailableError(f"The runtime is {shown(name)}; expected a Runtime, or one of: {_known()}.")
    if name == "auto":
        return _best(bundle, threads)
    name, _, option = name.partition(":")
    runtime = runtime_class(name)
    if reason := runtime.why_unavailable():
        raise RuntimeUnavailableError(f"No runtime can run here. {name}: {reason}")
    return runtime.with_option(option, threads)


def _known() -> str:
    return ", ".join(["auto", *RUNTIMES])


def _best(bundle: Bundle | None, threads: int) -> Runtime:
    built = {engine.record.runtime for engine in engines_of(bundle) if engine.record} if bundle else set()
    reasons: list[str] = []
    passed_over: list[str] = []
    for name in RUNTIMES:
        candidate = runtime_class(name)
        absent = candidate.why_unavailable()
        reason = absent or (candidate.why_unfit(bundle) if bundle else None)
        if reason is None:
            try:
                runtime = candidate.with_option("", threads)
            except RuntimeUnavailableError as error:
                reason = str(error)
            else:
                if passed_over:
                    warnings.warn(
                        f"Runs with {name}, which does not use the GPU as it could. {' '.join(passed_over)}",
                        RuntimeWarning,
                        stacklevel=4,
                    )
                return runtime
        reasons.append(f"{name}: {reason}")
        if first_gpu() and (name in built or absent is None):
            passed_over.append(reasons[-1])
    raise RuntimeUnavailableError("No runtime can run here. " + " ".join(reasons))
