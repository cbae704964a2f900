"""TensorRT 10.3 to 11: Jetson, RTX and data centre GPUs. Plans are built on the device; the FPM scan is a plugin."""

from __future__ import annotations

from typing import Any, ClassVar

from isfp.bundle.bundle import Bundle
from isfp.engines.record import EngineRecord
from isfp.runtimes.engine_runtime import EngineRuntime
from isfp.runtimes.plugin import load_plugin


class TensorRT(EngineRuntime):
    """Runs a bundle's `tensorrt` engines."""

    name: ClassVar[str] = "tensorrt"
    module: ClassVar[str] = "tensorrt"
    install: ClassVar[str] = (
        "On Jetson: sudo apt install nvidia-jetpack, in a virtual environment made with --system-site-packages; elsewhere: "
        "pip install tensorrt (docs/tensorrt.md)"
    )
    graphs: ClassVar[bool] = True

    def prepare(self, record: EngineRecord, bundle: Bundle) -> None:
        """Load the plugin's library if the plans call the plugin."""
        if record.plugin_version is not None:
            load_plugin(self._trt, record.plugin_version, bundle.path)

    def configure(self, engine: Any, bundle: Bundle, stage: str) -> None:
        """Keep TensorRT's defaults."""
