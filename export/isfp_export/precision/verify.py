"""Verify a precision: masks compared with FP32, NaN and Inf, the worst value, and the node to keep in a higher precision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import STAGES
from isfp.engines.record import Precision
from isfp.errors import IsfpError
from isfp_export.precision.convert import ConvertedStage, convert, full, is_quantised
from isfp_export.precision.frames import PreparedFrame, RunningStage, stage_feeds
from isfp_export.precision.half import MOVES
from isfp_export.precision.run import StageSession
from isfp_train.overlap import mask_iou

# Minimum mean IoU of the masks with those of FP32.
GATES = {Precision.FP16: 0.995, Precision.INT8: 0.97, Precision.FP8: 0.97}
TENSOR_FRAMES = 4  # number of frames on which every value is compared; more would only take longer
SHOWN = 8
NEXT = 4


class PrecisionError(IsfpError):
    """The masks of a precision differ from those of FP32."""


@dataclass(frozen=True)
class Difference:
    """The difference of one value of a stage from FP32, with the inputs of FP32.

    Attributes:
        stage: the stage.
        value: name of the value.
        node: node that computes it.
        operator: operator of the node.
        error: root mean square of the difference, relative to that of FP32's values.
        added: increase of the error over the worst input of the node.
        largest: largest absolute value in FP32; FP16 ends at 65,504.
        nan: number of NaN.
        inf: number of infinities.
        breaks: whether the node produces the first NaN or infinity, with none in its inputs.
    """

    stage: str
    value: str
    node: str
    operator: str
    error: float
    added: float
    largest: float
    nan: int
    inf: int
    breaks: bool


@dataclass(frozen=True)
class PrecisionReport:
    """The effect of a precision on the answers of a bundle.

    Attributes:
        precision: which.
        mask_iou: mean IoU of the masks with those of FP32, at the size of the frames and each with its own chosen cell, over the
            phrases that FP32 finds (others have no mask in use), or over all phrases if it finds none.
        worst_mask_iou: the lowest IoU.
        same_cells: share of those phrases for which both choose the same cell.
        same_found: share of all phrases that both find or both do not find.
        phrases: number of phrases.
        found: number of phrases that FP32 finds.
        nan: number of NaN in all values of all stages.
        inf: number of infinities.
        worst: the value with the largest difference from FP32.
        to_keep: the node that loses the most accuracy, and should be the first in a higher precision: one of those that are
            quantised, if any are.
        next_to_keep: those that lose the most after it.
        differences: the largest differences, ordered by the loss of their nodes.
        kept: nodes in a higher precision by stage, each with the reason.
        counts: number of convolutions and products in each precision, by stage.
    """

    precision: Precision
    mask_iou: float
    worst_mask_iou: float
    same_cells: float
    same_found: float
    phrases: int
    found: int
    nan: int
    inf: int
    worst: Difference
    to_keep: Difference
    next_to_keep: list[Difference]
    differences: list[Difference]
    kept: dict[str, dict[str, str]]
    counts: dict[str, dict[str, int]]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "failures": self.failures()}

    def failures(self) -> list[str]:
        """Describe what is out of tolerance; empty if nothing is."""
        found = []
        if self.nan or self.inf:
            found.append(f"there are {self.nan} NaN and {self.inf} Inf; expected none")
        if not self.mask_iou >= GATES[self.precision]:
            found.append(f"masks agree with FP32's at a mean IoU of {self.mask_iou:.4f}; expected at least {GATES[self.precision]}")
        return found

    def advice(self) -> str:
        """Say what to do about failures."""
        node = self.to_keep
        return (
            f"Most accuracy is lost in {node.operator} {node.node!r} of the {node.stage} stage. Add --keep {node.node} to isfp "
            "verify, repeat this with further nodes until it passes, and use the same options with isfp build."
        )


def compare_precision(
    bundle: Bundle,
    precision: Precision,
    frames: Sequence[PreparedFrame],
    keep: Collection[str] = (),
    calibration: Sequence[PreparedFrame] = (),
    say: Callable[[str], None] = lambda text: None,
) -> PrecisionReport:
    """Run the stages of a bundle in a precision and in FP32 on the same frames.

    Args:
        bundle: the bundle.
        precision: FP16, INT8 or FP8.
        frames: frames and phrases, different from those for calibration.
        keep: names or operators of nodes to compute in a higher precision.
        calibration: frames to choose ranges on, for INT8 and FP8.
        say: receives progress messages.
    """
    say(f"Converting to {precision.upper()}" + (f", ranges from {len(calibration)} frames" if is_quantised(precision) else ""))
    return compare_stages(bundle, convert(bundle, precision, keep, calibration), precision, frames, say)


def compare_stages(
    bundle: Bundle,
    converted: dict[str, ConvertedStage],
    precision: Precision,
    frames: Sequence[PreparedFrame],
    say: Callable[[str], None] = lambda text: None,
    running: Mapping[str, RunningStage] | None = None,
) -> PrecisionReport:
    """Compare stages that are already converted; see `compare_precision`.

    Args:
        bundle: the bundle.
        converted: its stages in the precision.
        precision: FP16, INT8 or FP8.
        frames: frames and phrases.
        say: receives progress messages.
        running: what runs the converted stages for the masks, by name; by default ONNX Runtime, which is also asked for every
            value.
    """
    stages = full(bundle)
    wide = {name: StageSession(model) for name, model in stages.items()}
    narrow = {name: StageSession(stage.model) for name, stage in converted.items()}
    say(f"Running {len(frames)} frames in FP32 and in {precision.upper()}")
    threshold = bundle.manifest.found_threshold
    ious: list[float] = []
    cells: list[bool] = []
    found: list[tuple[bool, bool]] = []
    feeds: list[dict[str, np.ndarray]] = []
    for frame, theirs, ours in zip(frames, stage_feeds(wide, frames), stage_feeds(running or narrow, frames), strict=True):
        feeds.append(theirs)
        for phrase in range(len(frame.words)):
            ious.append(_mask_iou(frame, theirs["masks"][phrase, 0], ours["masks"][phrase, 0], bundle.manifest.mask_threshold))
            cells.append(bool(theirs["cells"][phrase, 0] == ours["cells"][phrase, 0]))
            one, other = (bool(feed["identifying"][phrase].max() >= threshold) for feed in (theirs, ours))
            found.append((one, other))
    counted = [index for index, (theirs_found, _) in enumerate(found) if theirs_found] or list(range(len(found)))
    say("Comparing every value")
    differences = [
        difference
        for name in STAGES
        for difference in value_differences(name, stages[name], wide[name], narrow[name], feeds[:TENSOR_FRAMES])
    ]
    blamed = sorted((d for d in differences if d.operator not in MOVES), key=lambda d: (d.breaks, d.added), reverse=True)
    quantised = [d for d in blamed if is_quantised(precision) and converted[d.stage].precisions.get(d.node) == precision]
    return PrecisionReport(
        precision,
        mask_iou=float(np.mean([ious[index] for index in counted])),
        worst_mask_iou=float(np.min([ious[index] for index in counted])),
        same_cells=float(np.mean([cells[index] for index in counted])),
        same_found=float(np.mean([one == other for one, other in found])),
        phrases=len(ious),
        found=sum(one for one, _ in found),
        nan=sum(difference.nan for difference in differences),
        inf=sum(difference.inf for difference in differences),
        worst=max(differences, key=lambda difference: (difference.nan + difference.inf, difference.error)),
        to_keep=(quantised or blamed)[0],
        next_to_keep=(quantised or blamed)[1:NEXT],
        differences=blamed[:SHOWN],
        kept={name: stage.kept for name, stage in converted.items()},
        counts={name: _counts(stage) for name, stage in converted.items()},
    )


def value_differences(
    name: str, stage: onnx.ModelProto, wide: StageSession, narrow: StageSession, feeds: Sequence[dict[str, np.ndarray]]
) -> list[Difference]:
    """Compare all values that the stage has in both precisions, in the order of its nodes, with the inputs of FP32."""
    common = [value for value in wide.values if value in set(narrow.values)]
    gap, size, largest = dict.fromkeys(common, 0.0), dict.fromkeys(common, 1e-30), dict.fromkeys(common, 0.0)
    nan, inf = dict.fromkeys(common, 0), dict.fromkeys(common, 0)
    for feed in feeds:
        theirs, ours = wide.run(feed, common), narrow.run(feed, common)
        for value in common:
            a, b = theirs[value].astype(np.float64), ours[value].astype(np.float64)
            nan[value] += int(np.isnan(b).sum() - np.isnan(a).sum())
            inf[value] += int(np.isinf(b).sum() - np.isinf(a).sum())
            fine = np.isfinite(b)
            gap[value] += float(((a - b)[fine] ** 2).sum())
            size[value] += float((a**2).sum())
            largest[value] = max(largest[value], float(np.abs(a).max(initial=0)))
    error = {value: float(np.sqrt(gap[value] / size[value])) for value in common}
    broken = {value for value in common if nan[value] or inf[value]}
    found = []
    for node in stage.graph.node:
        for value in node.output:
            if value in error:
                before = max((error.get(source, 0.0) for source in node.input), default=0.0)
                breaks = value in broken and not broken & set(node.input)
                lost = (error[value], error[value] - before, largest[value], nan[value], inf[value], breaks)
                found.append(Difference(name, value, node.name, node.op_type, *lost))
    return found


def _mask_iou(frame: PreparedFrame, theirs: np.ndarray, ours: np.ndarray, threshold: float) -> float:
    one, other = (frame.letterbox.mask(logits, threshold) for logits in (theirs, ours))
    return mask_iou(one, other)


def _counts(stage: ConvertedStage) -> dict[str, int]:
    found = list(stage.precisions.values())
    return {precision: found.count(precision) for precision in dict.fromkeys(found)}
