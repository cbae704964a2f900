"""The common part of TensorRT's and TensorRT-RTX's builders: from ONNX to a plan and its layers, or to the builder's messages.

Both build strongly typed networks. TensorRT 10 needs a flag for that, which TensorRT 11 accepts and ignores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import onnx

from isfp.bundle.manifest import CANDIDATES_AXIS, PHRASES_AXIS, Stage
from isfp.engines.record import Span
from isfp.errors import IsfpError
from isfp_export.engines.layers import Layer, element_type

FP8_FROM = 89  # compute capability (Ada); older GPUs have no FP8 units
SHOWN = 6  # number of the builder's messages in an error


class BuildError(IsfpError):
    """A builder refused a stage, or cannot run on this machine."""


@dataclass(frozen=True)
class Profile:
    """The sizes that plans are built for: of `phrases` (P) and of `candidates` (K)."""

    phrases: Span
    candidates: Span

    def shapes(self, stage: Stage) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Minimum, optimal and maximum shape of each dynamic input of the stage, by name."""
        spans = {PHRASES_AXIS: self.phrases, CANDIDATES_AXIS: self.candidates}
        return {
            tensor.name: tuple(
                tuple(size if isinstance(size, int) else getattr(spans[size], end) for size in tensor.shape)
                for end in ("min", "opt", "max")
            )
            for tensor in stage.inputs
            if any(isinstance(size, str) for size in tensor.shape)
        }


@dataclass(frozen=True)
class BuiltStage:
    """A stage's plan.

    Attributes:
        plan: the bytes of the plan.
        layers: its layers.
        network: input type of each product in the strongly typed network, by the name of the ONNX node.
    """

    plan: bytes
    layers: list[Layer]
    network: dict[str, str]


class StageBuilder(ABC):
    """Builds stages, one after another.

    Attributes:
        runtime: name of the runtime, as in engine records.
        version: version of the builder, such as "10.3.0".
        sm: compute capability to build for, such as "87".
        messages: the builder's messages about the current stage, each with its severity.
    """

    runtime: ClassVar[str]
    network_decides: ClassVar[bool]  # what a node computes in, or the list of layers (`check_precision`)

    def __init__(self, trt: Any, sm: str, profile: Profile, monitor: Callable[[Any], Any] | None = None) -> None:
        """Take the builder's module.

        Args:
            trt: `tensorrt` or `tensorrt_rtx`.
            sm: compute capability to build for.
            profile: sizes of the dynamic axes.
            monitor: creates a progress monitor, given the module.
        """
        self.trt, self.sm, self.profile = trt, sm, profile
        self.version = str(trt.__version__)
        self.messages: list[tuple[str, str]] = []
        self.log = _log_class(trt)(self.messages)
        self._monitor = monitor(trt) if monitor else None

    def build(self, stage: Stage, model: onnx.ModelProto) -> BuiltStage:
        """Build a stage.

        Args:
            stage: the stage, as in the manifest.
            model: its ONNX, in the precision to build.

        Raises:
            BuildError: the builder refuses the stage; the error includes the builder's messages.
        """
        trt = self.trt
        self.messages.clear()
        builder = trt.Builder(self.log)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, self.log)
        if not parser.parse(self.prepare(model).SerializeToString()):
            errors = [parser.get_error(index) for index in range(parser.num_errors)]
            raise self._error(stage, "cannot parse", [f"{error.node_name()}: {error.desc()}".lstrip(": ") for error in errors])
        types = _products(trt, network)
        config = builder.create_builder_config()
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # includes names and types of layers, for the check
        if self._monitor is not None:
            config.progress_monitor = self._monitor
        shapes = self.profile.shapes(stage)
        if shapes:
            profile = builder.create_optimization_profile()
            for name, sizes in shapes.items():
                profile.set_shape(name, *sizes)
            if config.add_optimization_profile(profile) < 0:
                raise self._error(stage, f"refuses the profile {shapes} for")
        self.configure(config)
        serialized = builder.build_serialized_network(network, config)
        if serialized is None:
            raise self._error(stage, "cannot build")
        plan = bytes(serialized)
        return BuiltStage(plan, self.layers(stage, plan, config), types)

    def prepare(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """Adapt a stage's ONNX to the parser of this builder."""
        return model

    @abstractmethod
    def configure(self, config: Any) -> None:
        """Set options that only this builder has."""

    @abstractmethod
    def layers(self, stage: Stage, plan: bytes, config: Any) -> list[Layer]:
        """Read back the layers of a plan that was just built."""

    def _error(self, stage: Stage, what: str, errors: list[str] | None = None) -> BuildError:
        said = errors or [text for severity, text in self.messages if severity in ("ERROR", "INTERNAL_ERROR", "WARNING")]
        heard = " | ".join(text.strip() for text in said[-SHOWN:]) or "nothing"
        return BuildError(
            f"{self.trt.__name__} {self.version} {what} the {stage.name} stage. It says: {heard} "
            "(docs/tensorrt.md explains common messages.)"
        )


def _products(trt: Any, network: Any) -> dict[str, str]:
    """The type that each product reads: of a quantised one, the type before the Q/DQ pair's second half."""
    kinds = {trt.LayerType.CONVOLUTION, trt.LayerType.MATRIX_MULTIPLY, trt.LayerType.PLUGIN_V3}
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    dequantised = {layer.get_output(0).name: layer.get_input(0) for layer in layers if layer.type == trt.LayerType.DEQUANTIZE}
    read = {layer.name: layer.get_input(0) for layer in layers if layer.type in kinds}
    return {name: element_type(dequantised.get(tensor.name, tensor).dtype.name) for name, tensor in read.items()}


def _log_class(trt: Any) -> type:
    class Log(trt.ILogger):
        """Keeps all messages of the builder: layers are listed in a VERBOSE message."""

        def __init__(self, messages: list[tuple[str, str]]) -> None:
            trt.ILogger.__init__(self)
            self.messages = messages

        def log(self, severity: Any, text: str) -> None:
            self.messages.append((severity.name, text))

    return Log
