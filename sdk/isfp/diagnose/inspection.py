"""What a bundle contains, for people and scripts: stages, their layers and sizes, engines and whether each fits this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from isfp.bundle.bundle import Bundle
from isfp.bundle.onnx_file import summarise
from isfp.engines.choice import Engine, engines_of, mismatches, sources_of
from isfp.engines.record import EngineRecord
from isfp.errors import IsfpError


@dataclass(frozen=True)
class StageInspection:
    """One stage's ONNX file.

    Attributes:
        file: its name.
        bytes: its size.
        layers: how many nodes it has.
        precision: the type of most of its weights.
        operators: how many nodes of each operator, most frequent first.
    """

    file: str
    bytes: int
    layers: int
    precision: str
    operators: dict[str, int]


@dataclass(frozen=True)
class EngineInspection:
    """One engine.

    Attributes:
        key: the name of its folder.
        record: its record; None if the record is invalid.
        bytes: the size of its plans.
        reason: why it does not run on this machine; empty if it does.
    """

    key: str
    record: EngineRecord | None
    bytes: int
    reason: str

    @property
    def fits(self) -> bool:
        """Whether it runs on this machine."""
        return not self.reason

    @property
    def option(self) -> str | None:
        """What chooses an engine like it as the runtime of a Segmenter, such as "tensorrt:int8"; None if its record is invalid."""
        return f"{self.record.runtime}:{self.record.precision}" if self.record else None

    def to_json(self) -> dict[str, Any]:
        """Return the engine as JSON values."""
        return {
            "key": self.key,
            "record": self.record.to_json() if self.record else None,
            "bytes": self.bytes,
            "fits": self.fits,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class BundleInspection:
    """What a bundle contains beside its manifest: the stages by name, and the engines in the order of their names."""

    stages: dict[str, StageInspection]
    engines: list[EngineInspection]

    def to_json(self) -> dict[str, Any]:
        """Return the inspection as JSON values."""
        return {
            "stages": {name: asdict(stage) for name, stage in self.stages.items()},
            "engines": [engine.to_json() for engine in self.engines],
        }


def inspect(bundle: Bundle) -> BundleInspection:
    """Look into a bundle.

    Raises:
        BundleCorruptError: a stage is not an ONNX file.
    """
    stages = {}
    for name, stage in bundle.manifest.stages.items():
        summary = summarise(bundle.read(stage.file), stage.file)
        stages[name] = StageInspection(
            file=stage.file,
            bytes=bundle.manifest.files[stage.file].bytes,
            layers=sum(summary.operators.values()),
            precision=summary.precision,
            operators=summary.operators,
        )
    return BundleInspection(stages, [_engine(bundle, engine) for engine in engines_of(bundle)])


def _engine(bundle: Bundle, engine: Engine) -> EngineInspection:
    record = engine.record
    if record is None:
        return EngineInspection(engine.key, None, 0, str(engine.error or "its record cannot be read"))
    size = sum(plan.bytes for plan in record.plans.values())
    return EngineInspection(engine.key, record, size, _reason(bundle, record))


def _reason(bundle: Bundle, record: EngineRecord) -> str:
    """Return why an engine does not run on this machine; an empty string if it does."""
    from isfp.runtimes import runtime_class

    runtime = runtime_class(record.runtime)
    try:
        if unavailable := runtime.why_unavailable():
            return unavailable
        found = mismatches(record, runtime.machine(), sources_of(bundle))
    except IsfpError as error:
        return str(error)
    return "; ".join(f"{mismatch.field} is {mismatch.found!r}, expected {mismatch.expected!r}" for mismatch in found)
