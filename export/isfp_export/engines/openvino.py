"""INT8 stages for OpenVINO on a CPU: ONNX with Q/DQ pairs, whose masks are compared with FP32's before anything is written."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
import onnx
from onnx import inliner

from isfp.bundle.atomic_folder import atomic_folder
from isfp.bundle.bundle import ENGINES, Bundle
from isfp.engines.choice import sources_of
from isfp.engines.record import EngineRecord, PlanRecord, Precision, plan_file, write_record
from isfp.runtimes.openvino import OpenVino
from isfp_export.engines.build import BuildResult
from isfp_export.precision.convert import ConvertedStage, convert
from isfp_export.precision.frames import PreparedFrame
from isfp_export.precision.verify import PrecisionError, compare_stages

CHECKED_FRAMES = 24  # frames on which the masks are compared
_INTEGERS = ("i8", "u8")  # OpenVINO's names


class OpenVinoStage:
    """A stage in OpenVINO, with the outputs of a run as arrays of their own: the accuracy check's counterpart of `StageSession`."""

    def __init__(self, runtime: OpenVino, name: str, model: onnx.ModelProto) -> None:
        """Compile a stage with a runtime's settings."""
        self._compiled = runtime.compile(
            model.SerializeToString(), f"the quantised {name} stage", "Upgrade it: pip install --upgrade openvino."
        )
        self._request = self._compiled.create_infer_request()
        self._inputs = [value.name for value in model.graph.input]
        self._outputs = [value.name for value in model.graph.output]

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the stage by name; inputs of other stages are ignored."""
        found = self._request.infer({name: feed[name] for name in self._inputs})
        return {name: found[self._compiled.output(name)] for name in self._outputs}

    def in_integers(self) -> set[str]:
        """Return the names of the ONNX nodes that OpenVINO's layers compute in INT8 on this CPU."""
        found: set[str] = set()
        for layer in self._compiled.get_runtime_model().get_ordered_ops():
            about = layer.get_rt_info()
            if about["runtimePrecision"].astype(str) in _INTEGERS:
                found.update(about["originalLayersNames"].astype(str).split(","))
        return found


def build_openvino(
    bundle: Bundle,
    keep: Collection[str],
    calibration: Sequence[PreparedFrame],
    checked: Sequence[PreparedFrame],
    say: Callable[[str], None] = lambda text: None,
) -> BuildResult:
    """Quantise the stages of a bundle for OpenVINO, compare their masks with FP32's, and write them if they agree.

    Args:
        bundle: the bundle; the engine is written to its folder `engines/` and replaces one with the same key.
        keep: names or operators of nodes that stay in FP32.
        calibration: frames used to choose the ranges.
        checked: other frames, on which the masks are compared.
        say: receives progress messages.

    Raises:
        RuntimeUnavailableError: OpenVINO is not installed, or this CPU does not compute in INT8.
        PrecisionError: the masks differ by more than the gate of `isfp verify` allows; nothing was written.
        UnknownNodeError: `keep` names something that no stage has.
        FramesMissingError: no frames to choose the ranges on.
    """
    began = time.monotonic()
    runtime = OpenVino("int8")
    say(f"Converting to INT8, ranges from {len(calibration)} frames")
    converted = convert(bundle, Precision.INT8, keep, calibration, base=Precision.FP32)
    models = {name: inliner.inline_local_functions(stage.model) for name, stage in converted.items()}
    running = {name: OpenVinoStage(runtime, name, model) for name, model in models.items()}
    check = compare_stages(bundle, converted, Precision.INT8, checked, say, running)
    if check.failures():
        lost = [f"{node.node} ({node.stage}, {100 * node.added:.2g} %)" for node in (check.to_keep, *check.next_to_keep)]
        raise PrecisionError(
            f"{bundle.path} in INT8: {'; '.join(check.failures())}. Nothing was written. Most accuracy is lost in "
            f"{', '.join(lost)}. Add --keep {check.to_keep.node} and build again; repeat this with further nodes until it passes."
        )
    report = {name: _about(stage, running[name].in_integers()) for name, stage in converted.items()}
    for name, entry in report.items():
        if entry["not computed in int8"]:
            say(f"Warning, {name}: OpenVINO does not compute these in INT8 here: {', '.join(entry['not computed in int8'])}")
    contents = {name: model.SerializeToString() for name, model in models.items()}
    record = EngineRecord(
        runtime=runtime.name,
        runtime_version=runtime.version,
        cuda=None,
        driver=None,
        gpu=None,
        sm=None,
        precision=Precision.INT8,
        plugin_version=None,
        sources=sources_of(bundle),
        plans={
            name: PlanRecord(plan_file(runtime.name, name), hashlib.sha256(content).hexdigest(), len(content))
            for name, content in contents.items()
        },
        phrases=None,
        candidates=None,
        created=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=round(time.monotonic() - began, 1),
    )
    folder = bundle.path / ENGINES / record.key
    with atomic_folder(folder) as temporary:
        for name, content in contents.items():
            (temporary / record.plans[name].file).write_bytes(content)
            report[name]["bytes"] = len(content)
        write_record(temporary, record)
    return BuildResult(folder, record, report, check)


def _about(stage: ConvertedStage, in_integers: Collection[str]) -> dict[str, Any]:
    """What became of a stage's convolutions: how many are in which precision, and those kept in FP32, each with the reason."""
    convolutions = [node.name for node in stage.model.graph.node if node.op_type == "Conv"]
    quantised = [name for name in convolutions if stage.precisions[name] == Precision.INT8]
    return {
        "convolutions": {"int8": len(quantised), "fp32": len(convolutions) - len(quantised)},
        "kept": {name: stage.kept[name] for name in convolutions if name in stage.kept},
        "not computed in int8": [name for name in quantised if name not in in_integers],
    }
