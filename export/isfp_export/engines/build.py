"""Build the engine of a bundle: convert its stages, build plans, check their precision, and write them atomically."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from isfp.bundle.atomic_folder import atomic_folder
from isfp.bundle.bundle import ENGINES, Bundle
from isfp.bundle.manifest import FIND
from isfp.engines.choice import sources_of
from isfp.engines.fpm import PLUGIN_VERSION
from isfp.engines.gpu import Gpu
from isfp.engines.record import EngineRecord, PlanRecord, Precision, write_record
from isfp_export.engines.builder import StageBuilder
from isfp_export.engines.layers import check_precision, table
from isfp_export.onnx.tensorrt_graph import has_scan
from isfp_export.precision.convert import convert, joined
from isfp_export.precision.frames import PreparedFrame
from isfp_export.precision.verify import PrecisionReport


@dataclass(frozen=True)
class BuildResult:
    """A finished engine.

    Attributes:
        folder: folder of the engine.
        record: its record.
        report: for each stage, numbers of layers in total, by kind and by type; the size of the plan; the precision of products.
            For OpenVINO, numbers of convolutions by precision, those that were kept in FP32, and the size.
        check: how its masks agree with FP32's; None where that was not measured, because plans only run on their GPU.
    """

    folder: Path
    record: EngineRecord
    report: dict[str, Any]
    check: PrecisionReport | None = None


def build_engine(
    bundle: Bundle,
    builder: StageBuilder,
    precision: Precision,
    keep: Collection[str] = (),
    calibration: Sequence[PreparedFrame] = (),
    gpu: Gpu | None = None,
    one_graph: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> BuildResult:
    """Build all stages of a bundle.

    Args:
        bundle: the bundle; the engine is written to its folder `engines/` and replaces one with the same key.
        builder: builds the stages.
        precision: precision of the engine.
        keep: names or operators of nodes to compute in a higher precision.
        calibration: frames used to choose the ranges of INT8 and FP8.
        gpu: GPU that the engine is built on; None if it is built without one.
        one_graph: also build the stage `find`, which holds three of the others in one graph.
        say: receives progress messages.

    Raises:
        BuildError: a stage cannot be built.
        EnginePrecisionError: an engine does not compute in the requested precision.
        UnknownNodeError: `keep` names something that no stage has.
        FramesMissingError: INT8 or FP8 without frames.
    """
    began = time.monotonic()
    say(f"Converting to {precision.upper()}")
    converted = convert(bundle, precision, keep, calibration)
    if one_graph:
        converted[FIND] = joined(converted, bundle.manifest.grid)
    plans: dict[str, bytes] = {}
    report: dict[str, Any] = {}
    for name, stage in converted.items():
        say(f"Building {name} for sm{builder.sm}")
        built = builder.build(bundle.manifest.stage(name), stage.model)
        computed = check_precision(name, built.layers, stage.precisions, built.network, builder.network_decides)
        if computed.doubts:
            say(f"Warning, {name}: {'; '.join(computed.doubts[:5])} ({len(computed.doubts)} in all)")
        plans[name] = built.plan
        report[name] = {**table(built.layers), "bytes": len(built.plan), "products": _counts(computed.nodes), "kept": stage.kept}
    scans = builder.runtime == "tensorrt" and any(has_scan(stage.model) for stage in converted.values())
    record = EngineRecord(
        runtime=builder.runtime,
        runtime_version=builder.version,
        cuda=gpu.cuda if gpu else None,
        driver=gpu.driver if gpu else None,
        gpu=gpu.model if gpu else None,
        sm=builder.sm,
        precision=precision,
        plugin_version=PLUGIN_VERSION if scans else None,
        sources=sources_of(bundle),
        plans={name: PlanRecord(f"{name}.plan", hashlib.sha256(plan).hexdigest(), len(plan)) for name, plan in plans.items()},
        phrases=builder.profile.phrases,
        candidates=builder.profile.candidates,
        created=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=round(time.monotonic() - began, 1),
    )
    folder = bundle.path / ENGINES / record.key
    with atomic_folder(folder) as temporary:
        for name, plan in plans.items():
            (temporary / f"{name}.plan").write_bytes(plan)
        write_record(temporary, record)
    return BuildResult(folder, record, report)


def _counts(computed: dict[str, str]) -> dict[str, int]:
    found = list(computed.values())
    return {precision: found.count(precision) for precision in sorted(set(found))}
