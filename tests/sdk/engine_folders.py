"""Engines for tests, with records that fit the colour bundle: folders of plans that are no plans, and of its own ONNX files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import STAGES
from isfp.engines.choice import Machine, sources_of
from isfp.engines.record import EngineRecord, PlanRecord, Span, write_record

ORIN = Machine("tensorrt", "10.3.0", "87", "12.6", "Orin")
RTX = Machine("tensorrt-rtx", "1.7.1.116", "89", "13.0", "NVIDIA GeForce RTX 4090")


def record_for(bundle: Path, **changes: Any) -> EngineRecord:
    """A record of the bundle's engine on an Orin, with changes."""
    contents = {stage: f"plan of {stage}".encode() for stage in STAGES}
    record = EngineRecord(
        runtime="tensorrt",
        runtime_version="10.3.0.26",
        cuda="12.6",
        driver="540.4.0",
        gpu="Orin",
        sm="87",
        precision="fp16",
        plugin_version="1",
        sources=sources_of(Bundle.open(bundle)),
        plans={s: PlanRecord(f"{s}.plan", hashlib.sha256(content).hexdigest(), len(content)) for s, content in contents.items()},
        phrases=Span(1, 1, 8),
        candidates=Span(1, 1, 3),
        created="2026-01-01T00:00:00Z",
        seconds=12.5,
    )
    return replace(record, **changes)


def write_engine(bundle: Path, key: str | None = None, **changes: Any) -> Path:
    """Write an engine's folder into a bundle."""
    record = record_for(bundle, **changes)
    folder = bundle / "engines" / (key or record.key)
    folder.mkdir(parents=True)
    for stage in STAGES:
        (folder / f"{stage}.plan").write_bytes(f"plan of {stage}".encode())
    write_record(folder, record)
    return folder


def cpu_record_for(bundle: Path, **changes: Any) -> EngineRecord:
    """A record of an engine for OpenVINO, whose stages are the bundle's own, with changes."""
    files = {stage: (bundle / f"{stage}.onnx").read_bytes() for stage in STAGES}
    fields: dict[str, Any] = {
        "runtime": "openvino",
        "runtime_version": "2025.1.0",
        "precision": "int8",
        "plans": {s: PlanRecord(f"{s}.onnx", hashlib.sha256(content).hexdigest(), len(content)) for s, content in files.items()},
    }
    nothing = dict.fromkeys(("cuda", "driver", "gpu", "sm", "plugin_version", "phrases", "candidates"))
    return record_for(bundle, **{**fields, **nothing, **changes})


def write_cpu_engine(bundle: Path, **changes: Any) -> Path:
    """Write an engine for OpenVINO into a bundle."""
    record = cpu_record_for(bundle, **changes)
    folder = bundle / "engines" / record.key
    folder.mkdir(parents=True)
    for stage in STAGES:
        (folder / f"{stage}.onnx").write_bytes((bundle / f"{stage}.onnx").read_bytes())
    write_record(folder, record)
    return folder
