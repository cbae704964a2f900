"""What is in a bundle, for people and scripts: stages, their layers and sizes, engines and whether each fits this machine."""

from __future__ import annotations

from typing import Any

from isfp.bundle.bundle import Bundle
from isfp.bundle.onnx_file import summarise
from isfp.engines.choice import Engine, engines_of, mismatches, sources_of
from isfp.errors import IsfpError


def inspect(bundle: Bundle) -> dict[str, Any]:
    """Look into a bundle that was checked.

    Returns:
        JSON values: `manifest`, `stages` (`file`, `bytes`, `layers`, `precision`, `operators`) and `engines` (`key`,
        `record` or None, `bytes` of its plans, `fits`, `reason`).
    """
    stages = {}
    for name, stage in bundle.manifest.stages.items():
        summary = summarise(bundle.read(stage.file), stage.file)
        stages[name] = {
            "file": stage.file,
            "bytes": bundle.manifest.files[stage.file].bytes,
            "layers": sum(summary.operators.values()),
            "precision": summary.precision,
            "operators": summary.operators,
        }
    return {"manifest": bundle.manifest.fields, "stages": stages, "engines": [_engine(bundle, e) for e in engines_of(bundle)]}


def _engine(bundle: Bundle, engine: Engine) -> dict[str, Any]:
    record, reason = engine.record, str(engine.error or "")
    if record is not None:
        reason = _reason(bundle, engine)
    return {
        "key": engine.key,
        "record": record.to_json() if record else None,
        "bytes": sum(plan.bytes for plan in record.plans.values()) if record else 0,
        "fits": not reason,
        "reason": reason,
    }


def _reason(bundle: Bundle, engine: Engine) -> str:
    """Say why an engine does not run here, nothing where it does."""
    from isfp.runtimes import runtime_class
    from isfp.runtimes.engine_runtime import EngineRuntime

    assert engine.record is not None
    runtime = runtime_class(engine.record.runtime)
    assert issubclass(runtime, EngineRuntime)
    try:
        if absent := runtime.why_unavailable():
            return absent
        found = mismatches(engine.record, runtime.machine(), sources_of(bundle))
    except IsfpError as error:
        return str(error)
    return "; ".join(f"{mismatch.field} is {mismatch.found!r}, expected {mismatch.expected!r}" for mismatch in found)
