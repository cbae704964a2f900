"""Engine records: `engines/<key>/engine.json`, which describes the plans beside it (format version 1), and its validation.

A plan is built for one version of one runtime on one kind of GPU, from the ONNX files of one bundle. The record says which. An
engine for a CPU holds ONNX files in place of plans, which run on any kind of CPU and with any number of phrases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from isfp.bundle.manifest import FIND, STAGES
from isfp.errors import BundleError, EngineMismatchError

RECORD, FORMAT, VERSION = "engine.json", "isfp-engine", 1
CPU_RUNTIMES = ("openvino",)
RUNTIMES = ("tensorrt", "tensorrt-rtx", *CPU_RUNTIMES)
_RECORD_LIMIT = 1 << 20  # bytes; real ones have some two thousand


class Precision(str, Enum):
    """What a stage's convolutions and products compute in.

    Best first, for the choice of an engine: FP16 is closest to the figures that the bundle was measured with, and quantised plans
    are used on request.
    """

    FP16 = "fp16"
    FP8 = "fp8"
    INT8 = "int8"
    FP32 = "fp32"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class PlanRecord:
    """One stage's plan: its file beside the record, and the SHA-256 and size in bytes of its content."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Span:
    """The sizes of a dynamic axis in the plans' optimization profile: minimum, the size that was tuned for, maximum."""

    min: int
    opt: int
    max: int


@dataclass(frozen=True)
class EngineRecord:
    """What a folder of plans was built from, by and for.

    Attributes:
        runtime: "tensorrt", "tensorrt-rtx" or "openvino".
        runtime_version: such as "10.3.0.26".
        cuda: CUDA's version on the machine that built it, such as "12.6"; None if it had none.
        driver: the version of the NVIDIA driver there, or None; informational only.
        gpu: the GPU's name and number of multiprocessors there, `Gpu.model`; None if it was built without one (TensorRT-RTX).
        sm: compute capability that it runs on, such as "87"; None for a CPU.
        precision: what it computes in.
        plugin_version: version of the FPM scan plugin that the plans call; None if they do not call it.
        sources: SHA-256 of the bundle's ONNX files by name.
        plans: the plans by stage: the four stages, and `find` if the engine has them in one graph too.
        phrases: P, phrases at once, of every stage that takes phrases; None where any number runs, on a CPU.
        candidates: K, masks of a phrase; None where any number runs.
        created: UTC, such as "2026-01-01T00:00:00Z".
        seconds: how long the build took.
    """

    runtime: str
    runtime_version: str
    cuda: str | None
    driver: str | None
    gpu: str | None
    sm: str | None
    precision: Precision
    plugin_version: str | None
    sources: dict[str, str]
    plans: dict[str, PlanRecord]
    phrases: Span | None
    candidates: Span | None
    created: str
    seconds: float

    @property
    def key(self) -> str:
        """The name of its folder, such as "tensorrt-10.3.0.26-sm87-fp16" or "openvino-2026.4.1-cpu-int8"."""
        return f"{self.runtime}-{self.runtime_version}-{f'sm{self.sm}' if self.sm else 'cpu'}-{self.precision}"

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return {"format": FORMAT, "version": VERSION, **asdict(self), "precision": str(self.precision)}

    @classmethod
    def from_json(cls, fields: Any, where: str = RECORD) -> EngineRecord:
        """Read a record from JSON values.

        Raises:
            EngineMismatchError: a field is missing, unknown, of the wrong type or out of range; the message names it.
        """
        if not isinstance(fields, dict):
            raise _unsound(where, "", type(fields).__name__, "an object")
        for field, expected in (("format", FORMAT), ("version", VERSION)):
            if fields.get(field) != expected or isinstance(fields.get(field), bool):
                raise _unsound(where, field, fields.get(field), repr(expected))
        fields = {field: value for field, value in fields.items() if field not in ("format", "version")}
        for field in fields.keys() - _CHECKS.keys():
            raise _unsound(where, field, fields[field], f"only the fields {', '.join(_CHECKS)}")
        for field, (good, expected) in _CHECKS.items():
            if field not in fields or not good(fields[field]):
                raise _unsound(where, field, fields.get(field, "missing"), expected)
        _check_device(fields, where)
        return cls(
            **{
                **fields,
                "precision": Precision(fields["precision"]),
                "plans": {stage: PlanRecord(**plan) for stage, plan in fields["plans"].items()},
                **{axis: None if fields[axis] is None else Span(**fields[axis]) for axis in ("phrases", "candidates")},
            }
        )


def plan_file(runtime: str, stage: str) -> str:
    """Return the name of a stage's file in an engine of a runtime."""
    return f"{stage}.onnx" if runtime in CPU_RUNTIMES else f"{stage}.plan"


def write_record(folder: str | Path, record: EngineRecord) -> None:
    """Write a record beside its plans.

    Raises:
        EngineMismatchError: a field is invalid, so `read_record` would refuse it.
    """
    EngineRecord.from_json(record.to_json())
    text = json.dumps(record.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (Path(folder) / RECORD).write_text(text, encoding="utf-8")


def read_record(folder: str | Path) -> EngineRecord:
    """Read and check the record of a folder of plans.

    Raises:
        EngineMismatchError: it is not a record, or a field is invalid.
        BundleError: it cannot be read.
    """
    path = Path(folder) / RECORD
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _RECORD_LIMIT:
            raise EngineMismatchError(
                f"{path} is missing or not a small regular file, so the plans beside it are not used. {_REBUILD}"
            )
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}. Check its permissions and its disk.") from error
    try:
        fields = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise EngineMismatchError(f"{path} is not valid JSON ({error}); expected an engine's record. {_REBUILD}") from error
    return EngineRecord.from_json(fields, str(path))


_REBUILD = "Build the engine again, on this machine: isfp build BUNDLE --runtime tensorrt (or tensorrt-rtx, openvino)"


def _unsound(where: str, field: str, found: object, expected: str) -> EngineMismatchError:
    named = f"{field} is {found!r}" if field else f"it is a {found}"
    return EngineMismatchError(f"{where}: {named}; expected {expected}. {_REBUILD}", field, found, expected, _REBUILD)


def _check_device(fields: dict[str, Any], where: str) -> None:
    """Refuse an engine for a GPU that does not say for which, and one for a CPU that names a GPU."""
    runtime = fields["runtime"]
    on_cpu = runtime in CPU_RUNTIMES
    for field in _GPU_FIELDS if on_cpu else _PROFILE:
        if (fields[field] is None) != on_cpu:
            expected = f"null, as {runtime} runs on a CPU" if on_cpu else _CHECKS[field][1].removesuffix(_OR_NULL)
            raise _unsound(where, field, fields[field], expected)
    for stage, plan in fields["plans"].items():
        if plan["file"] != plan_file(runtime, stage):
            raise _unsound(where, f"plans.{stage}.file", plan["file"], repr(plan_file(runtime, stage)))


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _or_none(good: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or good(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_plans(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() - {FIND} == STAGES.keys() and all(_is_plan(*pair) for pair in value.items())


def _is_plan(stage: str, value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"file", "sha256", "bytes"}
        and value["file"] in (f"{stage}.plan", f"{stage}.onnx")
        and _is_hash(value["sha256"])
        and _whole(value["bytes"])
    )


def _is_span(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"min", "opt", "max"} or not all(map(_whole, value.values())):
        return False
    return 1 <= value["min"] <= value["opt"] <= value["max"]


def _is_sources(value: Any) -> bool:
    return isinstance(value, dict) and len(value) > 0 and all(isinstance(k, str) and _is_hash(v) for k, v in value.items())


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


_is_text = _matches(r"[^\x00-\x1f\x7f]{1,200}")
_is_version = _matches(r"(?=.{1,64}\Z)\d+(\.\d+){0,3}[0-9A-Za-z.+]*")
_is_numeric_version = _matches(r"\d{1,6}(\.\d{1,6}){0,3}")
_is_hash = _matches("[0-9a-f]{64}")
_OR_NULL = ", or null"
_SPAN = f"whole numbers 1 <= min <= opt <= max{_OR_NULL}"
_PROFILE = ("sm", "phrases", "candidates")  # what engines for a GPU must state
_GPU_FIELDS = (*_PROFILE, "cuda", "driver", "gpu", "plugin_version")  # what engines for a CPU cannot state
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "runtime": (lambda value: value in RUNTIMES, f"one of {', '.join(RUNTIMES)}"),
    "runtime_version": (_is_version, "a version such as '10.3.0.26'"),
    "cuda": (_or_none(_is_numeric_version), "a version such as '12.6', or null"),
    "driver": (_or_none(_is_text), "text, or null"),
    "gpu": (_or_none(_is_text), "text, or null"),
    "sm": (_or_none(_matches(r"\d{2,3}")), f"a compute capability such as '87'{_OR_NULL}"),
    "precision": (lambda value: value in [*Precision], f"one of {', '.join(Precision)}"),
    "plugin_version": (_or_none(_is_text), "a version such as '1', or null"),
    "sources": (_is_sources, "the SHA-256 of each ONNX file by its name"),
    "plans": (_is_plans, f"for each of {', '.join(STAGES)}, and maybe {FIND}, its file, sha256 and bytes"),
    "phrases": (_or_none(_is_span), _SPAN),
    "candidates": (_or_none(_is_span), _SPAN),
    "created": (_matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "a time such as '2026-01-01T00:00:00Z'"),
    "seconds": (_is_seconds, "seconds, 0 or more"),
}
