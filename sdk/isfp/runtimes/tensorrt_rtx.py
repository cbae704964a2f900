"""TensorRT for RTX: desktop GPUs. Plans can be built on any machine, and are compiled for the GPU when they are loaded."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from isfp.bundle.bundle import Bundle
from isfp.engines.record import EngineRecord
from isfp.runtimes.engine_runtime import EngineRuntime
from isfp.runtimes.kernel_cache import KernelCache
from isfp.runtimes.user_cache import cache_folder

_log = logging.getLogger("isfp")


class TensorRTRTX(EngineRuntime):
    """Runs a bundle's `tensorrt-rtx` engines; in them the FPM scan consists of standard operators."""

    name: ClassVar[str] = "tensorrt-rtx"
    module: ClassVar[str] = "tensorrt_rtx"
    install: ClassVar[str] = 'Install it: pip install "isfp[rtx]"'
    # A new shape first runs generic kernels while its own are compiled: only TensorRT-RTX knows when a capture is worthwhile.
    graphs: ClassVar[bool] = False

    def prepare(self, record: EngineRecord, bundle: Bundle) -> None:
        """Do nothing: its plans call no plugin."""

    def configure(self, engine: Any, bundle: Bundle, stage: str) -> Any:
        """Let TensorRT-RTX capture CUDA graphs itself, if it can (1.2 and later), and keep the kernels that it compiles."""
        config = engine.create_runtime_config()
        strategies = getattr(self._trt, "CudaGraphStrategy", None)
        if strategies is not None:
            config.cuda_graph_strategy = strategies.WHOLE_GRAPH_CAPTURE
        assert self.record is not None  # an engine was chosen before its stages are loaded
        try:
            folder = cache_folder(bundle, self.name)
        except OSError as error:
            _log.warning("The kernels that TensorRT-RTX compiles are not kept: %s. XDG_CACHE_HOME may name another folder.", error)
        else:
            cache = KernelCache(config, folder / f"{self.record.key}-{stage}.kernels")
            self._before_release.append(cache.save)
        return config
