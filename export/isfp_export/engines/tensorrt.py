"""TensorRT's builder, versions 10.3 to 11. It runs on the device that will run the engine; the FPM scan is a plugin."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import onnx

from isfp.bundle.manifest import Stage
from isfp.engines.fpm import PLUGIN_VERSION
from isfp.engines.gpu import Gpu, first_gpu
from isfp.engines.record import Precision
from isfp.files.atomic_file import write_bytes
from isfp.runtimes.plugin import PLUGIN_VARIABLE, load_plugin
from isfp_export.engines.builder import FP8_FROM, BuildError, Profile, StageBuilder
from isfp_export.engines.layers import Layer, from_inspector
from isfp_export.onnx.tensorrt_graph import for_plugin

OLDEST = (10, 3)  # JetPack 6
INSTALL = (
    "On Jetson: sudo apt install nvidia-jetpack, and create the virtual environment with --system-site-packages. "
    "On other machines with an NVIDIA GPU: pip install tensorrt. "
    "Without a GPU: isfp build BUNDLE --runtime tensorrt-rtx --target sm89"
)


class TensorRTBuilder(StageBuilder):
    """Builds with `tensorrt`."""

    runtime: ClassVar[str] = "tensorrt"
    network_decides: ClassVar[bool] = True

    def __init__(
        self, trt: Any, gpu: Gpu, profile: Profile, cache: Path | None = None, monitor: Callable[[Any], Any] | None = None
    ) -> None:
        """Take the module, the GPU, and a file in which kernel timings are kept between builds."""
        super().__init__(trt, gpu.sm, profile, monitor)
        self.gpu, self.cache = gpu, cache

    def prepare(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """Remove the body of the FPM scan, which the plugin replaces."""
        return for_plugin(model)

    def configure(self, config: Any) -> None:
        """Use the timings of earlier builds. TensorRT itself ignores a cache of another version or GPU."""
        if self.cache is None:
            return
        held = self.cache.read_bytes() if self.cache.is_file() else b""
        cache = config.create_timing_cache(held)
        if cache is None or not config.set_timing_cache(cache, False):
            config.set_timing_cache(config.create_timing_cache(b""), False)

    def layers(self, stage: Stage, plan: bytes, config: Any) -> list[Layer]:
        """Load and inspect the plan, at the sizes that it was optimised for; without them, types are not listed."""
        self._save_timings(config)
        trt = self.trt
        runtime = trt.Runtime(self.log)
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise self._error(stage, "cannot load the plan that it built for")
        inspector = engine.create_engine_inspector()
        shapes = self.profile.shapes(stage)
        if shapes:
            context = engine.create_execution_context()
            if context is None:
                raise self._error(stage, "has not enough memory to run")
            for name, (_, best, _) in shapes.items():
                context.set_input_shape(name, best)
            inspector.execution_context = context
        return from_inspector(inspector.get_engine_information(trt.LayerInformationFormat.JSON))

    def _save_timings(self, config: Any) -> None:
        if self.cache is None:
            return
        timings = config.get_timing_cache()
        if timings is not None:
            write_bytes(self.cache, bytes(timings.serialize()))


def tensorrt_builder(
    target: str | None,
    precision: Precision,
    profile: Profile,
    plugin: Path | None,
    cache: Path | None,
    monitor: Callable[[Any], Any] | None,
) -> TensorRTBuilder:
    """Create the builder, and load the plugin.

    Args:
        target: None, or this machine's GPU, such as "sm87": TensorRT builds for the GPU that it runs on.
        precision: precision of the engine.
        profile: sizes of the dynamic axes.
        plugin: library of the plugin; by default the one that `isfp.runtimes.plugin` finds.
        cache: file of kernel timings.
        monitor: creates a progress monitor, given the module.

    Raises:
        BuildError: TensorRT is not installed or too old, there is no GPU, or the target is not this machine's GPU.
        EngineMismatchError: the plugin is missing or does not load.
    """
    try:
        import tensorrt as trt
    except (ImportError, OSError) as error:
        raise BuildError(f"TensorRT cannot be imported ({error}). {INSTALL}") from error
    version = tuple(int(part) for part in str(trt.__version__).split(".")[:2])
    if version < OLDEST:
        raise BuildError(f"TensorRT is {trt.__version__}; expected 10.3 or later. {INSTALL}")
    gpu = first_gpu()
    if gpu is None:
        raise BuildError(f"TensorRT {trt.__version__} builds on the GPU that runs the engine, but this machine has none. {INSTALL}")
    if target not in (None, f"sm{gpu.sm}"):
        raise BuildError(
            f"--target is {target}, but this machine's {gpu.name} is sm{gpu.sm}. TensorRT builds for the GPU that it runs on: "
            "build on the target machine, without --target."
        )
    if precision == Precision.FP8 and int(gpu.sm) < FP8_FROM:
        raise BuildError(f"FP8 needs sm{FP8_FROM} or later, and this {gpu.name} is sm{gpu.sm}. Build in fp16 or int8.")
    if plugin is not None:
        os.environ[PLUGIN_VARIABLE] = str(plugin)
    load_plugin(trt, PLUGIN_VERSION)
    return TensorRTBuilder(trt, gpu, profile, cache, monitor)
