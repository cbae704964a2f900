"""Engines for tests: folders of plans with records that fit the colour bundle, whose plans are no plans."""

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
