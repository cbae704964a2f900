"""TensorRT for RTX: desktop GPUs. Plans can be built on any machine, and are compiled for the GPU when they are loaded."""

from __future__ import annotations

from typing import Any, ClassVar

from isfp.bundle.bundle import Bundle
from isfp.engines.record import EngineRecord
from isfp.runtimes.engine_runtime import EngineRuntime


class TensorRTRTX(EngineRuntime):
    """Runs a bundle's `tensorrt-rtx` engines; in them the FPM scan consists of standard operators."""

    name: ClassVar[str] = "tensorrt-rtx"
    module: ClassVar[str] = "tensorrt_rtx"
    install: ClassVar[str] = 'Install it: pip install "isfp[rtx]"'
    # A new shape first runs generic kernels while its own are compiled: only TensorRT-RTX knows when a capture is worthwhile.
    graphs: ClassVar[bool] = False

    def prepare(self, record: EngineRecord, bundle: Bundle) -> None:
        """Do nothing: its plans call no plugin."""

    def configure(self, engine: Any) -> Any:
        """Let TensorRT-RTX capture CUDA graphs itself, if it can (1.2 and later)."""
        strategies = getattr(self._trt, "CudaGraphStrategy", None)
        if strategies is None:
            return None
        config = engine.create_runtime_config()
        config.cuda_graph_strategy = strategies.WHOLE_GRAPH_CAPTURE
        return config
