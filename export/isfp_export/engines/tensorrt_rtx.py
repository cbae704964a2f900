"""TensorRT-RTX's builder, which builds engines for RTX GPUs on any machine, even without a GPU.

Its parser supports no plugins, so `isfp::FPMScan` is given as a local function. TensorRT-RTX compiles kernels on the GPU when an
engine is loaded; the builder checks, fuses and serializes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from isfp.bundle.manifest import Stage
from isfp.engines.record import Precision
from isfp_export.engines.builder import FP8_FROM, BuildError, Profile, StageBuilder
from isfp_export.engines.layers import Layer, from_message


class RtxBuilder(StageBuilder):
    """Builds with `tensorrt_rtx`."""

    runtime: ClassVar[str] = "tensorrt-rtx"
    network_decides: ClassVar[bool] = False  # its list of layers names the type of every kernel

    def configure(self, config: Any) -> None:
        """Set the GPU to build for."""
        config.num_compute_capabilities = 1
        if not config.set_compute_capability(getattr(self.trt.ComputeCapability, f"SM{self.sm}"), 0):
            raise BuildError(
                f"{self.trt.__name__} {self.version} does not support the target sm{self.sm}. Upgrade it, or use an older target."
            )

    def layers(self, stage: Stage, plan: bytes, config: Any) -> list[Layer]:
        """Read the message that lists the layers: without a GPU, an engine cannot be inspected."""
        found = [text for _, text in self.messages if text.startswith("Layers:")]
        return from_message(found[-1] if found else "")


def rtx_builder(target: str | None, precision: Precision, profile: Profile, monitor: Callable[[Any], Any] | None) -> RtxBuilder:
    """Create the builder.

    Args:
        target: such as "sm89".
        precision: precision of the engine.
        profile: sizes of the dynamic axes.
        monitor: creates a progress monitor, given the module.

    Raises:
        BuildError: TensorRT-RTX is not installed, or the target is missing, unknown, or too old for the precision.
    """
    try:
        import tensorrt_rtx as trt
    except (ImportError, OSError) as error:
        raise BuildError(
            f'TensorRT-RTX cannot be imported ({error}). It needs no GPU; install it with: pip install "isfp[rtx]"'
        ) from error
    known = sorted((name.lower() for name in vars(trt.ComputeCapability) if name.startswith("SM")), key=lambda name: int(name[2:]))
    if target is None or target not in known:
        raise BuildError(
            f"--target is {target!r}; TensorRT-RTX {trt.__version__} builds for {', '.join(known)}. RTX 20 is sm75, RTX 30 sm86, "
            "RTX 40 sm89, RTX 50 sm120. Jetson has no TensorRT-RTX: there, isfp build BUNDLE --runtime tensorrt."
        )
    sm = target.removeprefix("sm")
    if precision == Precision.FP8 and int(sm) < FP8_FROM:
        raise BuildError(f"FP8 needs sm{FP8_FROM} or later, and the target is {target}. Build it in fp16 or int8.")
    return RtxBuilder(trt, sm, profile, monitor)
