"""The runtimes that can run a bundle, best first."""

from __future__ import annotations

from importlib import import_module

from isfp.errors import RuntimeUnavailableError
from isfp.runtimes.base import Runtime, StageRunner

__all__ = ["RUNTIMES", "Runtime", "StageRunner", "choose", "runtime_class"]

# In the order in which "auto" tries them. A runtime's module is imported only when it is asked for.
RUNTIMES = {
    "onnxruntime": "isfp.runtimes.onnxruntime:OnnxRuntime",
}


def runtime_class(name: str) -> type[Runtime]:
    """Return the class of a runtime.

    Raises:
        RuntimeUnavailableError: there is no runtime of this name.
    """
    if name not in RUNTIMES:
        known = ", ".join(["auto", *RUNTIMES])
        raise RuntimeUnavailableError(f"There is no runtime {name!r}; expected one of: {known}.")
    module, _, attribute = RUNTIMES[name].partition(":")
    return getattr(import_module(module), attribute)


def choose(name: str = "auto") -> Runtime:
    """Return a runtime by name, or the best that this machine has for `"auto"`.

    Raises:
        RuntimeUnavailableError: it is unknown, or this machine cannot run it.
    """
    reasons = []
    for candidate in RUNTIMES if name == "auto" else [name]:
        runtime = runtime_class(candidate)
        reason = runtime.missing()
        if reason is None:
            return runtime()
        reasons.append(f"{candidate}: {reason}")
    raise RuntimeUnavailableError("No runtime can run here. " + " ".join(reasons))
