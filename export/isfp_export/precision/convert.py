"""The stages of a bundle in another precision, as ONNX: the input of both builders, and of `isfp verify --precision`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import onnx

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import BETWEEN_STAGES, FIND, STAGES
from isfp.engines.fpm import OPERATOR
from isfp.engines.record import Precision
from isfp.errors import IsfpError
from isfp_export.onnx.compact import restore
from isfp_export.onnx.one_graph import PARTS, one_graph, part_name
from isfp_export.onnx.tensorrt_graph import cast_bytes_first
from isfp_export.precision.frames import FramesMissingError, PreparedFrame, stage_feeds
from isfp_export.precision.half import to_half
from isfp_export.precision.quantise import QUANTISED_TYPES, candidates, left_out, nonnegative, quantise
from isfp_export.precision.ranges import NOISE_FRAMES, ranges, too_noisy
from isfp_export.precision.run import StageSession


class UnknownNodeError(IsfpError):
    """No stage has a node of the given name."""


@dataclass(frozen=True)
class ConvertedStage:
    """A stage in a precision.

    Attributes:
        name: name of the stage.
        model: its ONNX.
        precisions: precision of each convolution and product, by the name of its node.
        kept: nodes that stay in a higher precision, by name, each with the reason.
    """

    name: str
    model: onnx.ModelProto
    precisions: dict[str, Precision]
    kept: dict[str, str]


# Operators whose precision is checked. The FPM scan consists of 50 products.
PRODUCTS = ("Conv", "MatMul", "Gemm", OPERATOR)


def full(bundle: Bundle) -> dict[str, onnx.ModelProto]:
    """Read the stages of a bundle in FP32, in a form that builders accept."""
    models = {stage: onnx.load_from_string(bundle.read(bundle.manifest.stages[stage].file)) for stage in STAGES}
    return {stage: cast_bytes_first(restore(model)) for stage, model in models.items()}


def convert(
    bundle: Bundle,
    precision: Precision,
    keep: Collection[str] = (),
    frames: Sequence[PreparedFrame] = (),
    base: Precision = Precision.FP16,
) -> dict[str, ConvertedStage]:
    """Convert the stages of a bundle.

    Args:
        bundle: a bundle.
        precision: FP32 does not change the stages; INT8 and FP8 quantise convolutions.
        keep: names or operators of nodes to compute in a higher precision: FP32 in an FP16 stage, `base` in a quantised one.
        frames: frames and phrases used to choose the ranges of INT8 and FP8.
        base: what a quantised stage computes in besides: FP16, or FP32 for a CPU.

    Raises:
        FramesMissingError: INT8 or FP8 without frames.
        UnknownNodeError: `keep` names something that no stage has.
    """
    stages = full(bundle)
    _check_keep(stages, keep)
    wide = {
        name: ConvertedStage(name, model, dict.fromkeys(_products(model), Precision.FP32), {}) for name, model in stages.items()
    }
    if precision == Precision.FP32:
        return wide
    if base == Precision.FP32:
        return _quantised(stages, wide, precision, base, keep, frames)
    kept = keep if precision == Precision.FP16 else ()
    halves = {name: to_half(model, kept, BETWEEN_STAGES) for name, model in stages.items()}
    converted = {
        name: ConvertedStage(
            name,
            model,
            {node: Precision.FP32 if node in choice.kept else Precision.FP16 for node in _products(stages[name])},
            choice.kept,
        )
        for name, (model, choice) in halves.items()
    }
    return converted if precision == Precision.FP16 else _quantised(stages, converted, precision, base, keep, frames)


def joined(stages: Mapping[str, ConvertedStage], grid: int) -> ConvertedStage:
    """Return the stage `find`, made of converted stages; `grid` is S."""
    parts = {name: stages[name] for name in PARTS}
    return ConvertedStage(
        FIND,
        one_graph({name: stage.model for name, stage in parts.items()}, grid),
        {part_name(name, node): value for name, stage in parts.items() for node, value in stage.precisions.items()},
        {part_name(name, node): reason for name, stage in parts.items() for node, reason in stage.kept.items()},
    )


def _quantised(
    stages: dict[str, onnx.ModelProto],
    based: dict[str, ConvertedStage],
    kind: Precision,
    base: Precision,
    keep: Collection[str],
    frames: Sequence[PreparedFrame],
) -> dict[str, ConvertedStage]:
    if not frames:
        raise FramesMissingError(
            f"{kind.upper()} needs frames to choose its ranges. Give --frames FOLDER, or --calibration with 1 or more."
        )
    sessions = {name: StageSession(model) for name, model in stages.items()}
    feeds = list(stage_feeds(sessions, frames))
    converted = {}
    for name, stage in based.items():
        reads = {node: value.removesuffix("/half") for node, value in candidates(stage.model, base=base).items()}
        if not reads:
            converted[name] = stage
            continue
        # The FP32 stage lacks the casts at float32 inputs and outputs, but the values are the same.
        # GPUs have no units for UINT8; CPUs multiply it with INT8.
        unsigned = nonnegative(stage.model) if base == Precision.FP32 and kind == Precision.INT8 else set()
        found = ranges(sessions[name], reads.values(), feeds, kind, unsigned)
        found.update({f"{value}/half": largest for value, largest in found.items()})
        noisy = too_noisy(stage.model, found, kind, feeds[:NOISE_FRAMES], base, unsigned)
        chosen = [node for node in candidates(stage.model, keep, base) if node not in noisy]
        reasons = {node: f"{reason}; {base.upper()}" for node, reason in left_out(stage.model, keep, base).items()}
        reasons.update({node: f"{_noise(ratio)}; {base.upper()}" for node, ratio in noisy.items() if node not in reasons})
        converted[name] = ConvertedStage(
            name,
            quantise(stage.model, found, kind, chosen, unsigned),
            {**stage.precisions, **dict.fromkeys(chosen, kind)},
            {**reasons, **stage.kept},
        )
    return converted


def _noise(ratio: float) -> str:
    """Say why a convolution is too noisy, by its signal-to-noise ratio in decibels."""
    if ratio < -100:
        return "each channel of its output is one value, so its quantisation noise has no signal to be compared with"
    return f"its quantisation noise is only {ratio:.0f} dB below its signal"


def _products(model: onnx.ModelProto) -> list[str]:
    return [node.name for node in model.graph.node if node.op_type in PRODUCTS]


def _check_keep(stages: dict[str, onnx.ModelProto], keep: Collection[str]) -> None:
    known = {name for model in stages.values() for node in model.graph.node for name in (node.name, node.op_type)}
    unknown = sorted(set(keep) - known)
    if unknown:
        raise UnknownNodeError(
            f"--keep {' '.join(unknown)}: no stage has a node or operator with this name. isfp verify BUNDLE --precision fp16 "
            "lists the nodes that lose the most accuracy."
        )


def is_quantised(precision: Precision) -> bool:
    """Whether a precision needs frames."""
    return precision in QUANTISED_TYPES
