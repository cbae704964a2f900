"""A bundle's stages in OpenVINO, as a runtime of the SDK."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import onnx
from onnx import inliner

from isfp.bundle.bundle import Bundle
from isfp.diagnose.bench.rivals import Rival
from isfp.errors import RuntimeUnavailableError
from isfp.runtimes import Runtime
from isfp.runtimes.base import StageRunner
from isfp.runtimes.threads import usable_cores

#: Precisions, and OpenVINO's names for them. By itself it would take bf16 on CPUs that compute in it.
_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenVino(Runtime):
    """Runs the stages' ONNX files with OpenVINO on the CPU."""

    name: ClassVar[str] = "openvino"

    def __init__(self, precision: str = "fp32", threads: int = 0) -> None:
        """Choose the precision, "fp32" or "bf16", and the number of threads, 0 for one on each core that may be used.

        Raises:
            RuntimeUnavailableError: OpenVINO is not installed, or the precision is unknown.
        """
        super().__init__()
        if precision not in _HINTS:
            raise RuntimeUnavailableError(f"openvino was asked for {precision!r}; expected one of {', '.join(_HINTS)}.")
        if reason := self.why_unavailable():
            raise RuntimeUnavailableError(f"OpenVINO cannot run here. {reason}")
        import openvino

        self._precision, self._core = precision, openvino.Core()
        self._settings = {
            "INFERENCE_NUM_THREADS": threads or usable_cores(),
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
        }

    @classmethod
    def with_option(cls, option: str, threads: int = 0) -> Runtime:
        """Return the runtime with a precision, by default FP32."""
        return cls(option or "fp32", threads)

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return why OpenVINO cannot be imported, or None if it can."""
        try:
            import openvino  # noqa: F401
        except ImportError as error:
            return f"It cannot be imported ({error}). Install it: pip install openvino"
        return None

    @property
    def precision(self) -> str | None:
        """What convolutions and products compute in; None for what the stages are stored for."""
        return "bf16" if self._precision == "bf16" else None

    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        entry = bundle.manifest.stages[stage]
        # OpenVINO's reader does not know the scan's local function.
        model = inliner.inline_local_functions(onnx.load_from_string(bundle.read(entry.file)))
        compiled = self._core.compile_model(self._core.read_model(model.SerializeToString()), "CPU", self._settings)
        request = compiled.create_infer_request()
        places = {tensor.name: compiled.output(tensor.name) for tensor in entry.outputs}

        def run(**inputs: Any) -> dict[str, Any]:
            found = request.infer(inputs, share_inputs=True, share_outputs=True)
            return {name: found[place] for name, place in places.items()}

        return run


def _make(bundle: Bundle, option: str, threads: int, checkpoint: Path | None) -> Runtime:
    return OpenVino.with_option(option, threads)


#: OpenVINO reads the bundle's ONNX, so it needs no checkpoint.
OPENVINO = Rival(("", "bf16"), _make)
