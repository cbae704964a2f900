"""Choose the engine of a bundle that fits this machine; if none fits, say which field of which record does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isfp.bundle.bundle import ENGINES, Bundle
from isfp.engines.fpm import PLUGIN_VERSION
from isfp.engines.plans import check_trusted, rebuild_command
from isfp.engines.record import CPU_RUNTIMES, RECORD, EngineRecord, Precision, read_record
from isfp.errors import EngineMismatchError, IsfpError


@dataclass(frozen=True)
class Machine:
    """A runtime and the GPU that it runs on, or the CPU; see `EngineRecord` for the fields."""

    runtime: str
    runtime_version: str
    sm: str | None
    cuda: str | None = None
    gpu: str | None = None


@dataclass(frozen=True)
class Mismatch:
    """One field of a record that does not fit: what was found, and what was expected."""

    field: str
    found: object
    expected: object


@dataclass(frozen=True)
class Engine:
    """A folder of plans: its name under `engines/`, and its record or the error that reading the record raised."""

    key: str
    record: EngineRecord | None
    error: IsfpError | None = None


def engines_of(bundle: Bundle) -> list[Engine]:
    """Return all engines of a bundle, ordered by name; an engine whose record is invalid comes with the error."""
    folder = bundle.path / ENGINES
    if not folder.is_dir():
        return []
    engines = []
    for path in sorted(folder.iterdir()):
        # Names that start with a dot are builds in progress.
        if path.is_dir() and not path.name.startswith("."):
            try:
                engines.append(Engine(path.name, read_record(check_trusted(bundle.path, f"{path.name}/{RECORD}").parent)))
            except IsfpError as error:
                engines.append(Engine(path.name, None, error))
    return engines


def mismatches(record: EngineRecord, machine: Machine, sources: Mapping[str, str]) -> list[Mismatch]:
    """Return why an engine cannot run here; nothing if it can.

    `runtime`, `sm` and `sources` must be equal, and so must `runtime_version` in the parts that both have, but for OpenVINO, whose
    engines are ONNX, which other versions read as well. TensorRT's plans also depend on the GPU model: NVIDIA warns against running
    a plan on another model of the same SM. The major version of `cuda` must be one that the driver here runs. `driver` is
    informational.

    Args:
        record: the engine's record.
        machine: this machine.
        sources: SHA-256 of the bundle's ONNX files by name.
    """
    pairs = [("runtime", record.runtime, machine.runtime), ("sm", record.sm, machine.sm)]
    bound = record.runtime == machine.runtime and record.runtime not in CPU_RUNTIMES
    if bound and not same_version(record.runtime_version, machine.runtime_version):
        pairs.append(("runtime_version", record.runtime_version, machine.runtime_version))
    if record.runtime == "tensorrt" and machine.gpu and record.gpu and record.gpu != machine.gpu:
        pairs.append(("gpu", record.gpu, machine.gpu))
    if record.plugin_version is not None:
        pairs.append(("plugin_version", record.plugin_version, PLUGIN_VERSION))
    found = [Mismatch(*pair) for pair in pairs if pair[1] != pair[2]]
    if record.cuda and machine.cuda and _major(record.cuda) > _major(machine.cuda):
        found.append(Mismatch("cuda", record.cuda, f"at most {_major(machine.cuda)}, which this driver runs"))
    changed = sorted(name for name in sources.keys() | record.sources.keys() if sources.get(name) != record.sources.get(name))
    if changed:
        name = changed[0]
        found.append(Mismatch(f"sources.{name}", record.sources.get(name), sources.get(name)))
    return found


def sources_of(bundle: Bundle) -> dict[str, str]:
    """Return the SHA-256 of the bundle's ONNX files by name, as a record's `sources`."""
    files = {stage.file for stage in bundle.manifest.stages.values()}
    return {file: bundle.manifest.files[file].sha256 for file in sorted(files)}


def choose_engine(bundle: Bundle, machine: Machine, precision: Precision | None = None) -> Engine:
    """Return the bundle's engine that fits this machine, the best precision first (`Precision`), then the newest.

    Raises:
        EngineMismatchError: none fits; the error names the field in which the closest engine differs, and how to build one.
    """
    sources = sources_of(bundle)
    engines = [e for e in engines_of(bundle) if e.record is None or e.record.runtime == machine.runtime]
    sound = [(e, e.record) for e in engines if e.record and precision in (None, e.record.precision)]
    fitting = [pair for pair in sound if not mismatches(pair[1], machine, sources)]
    if fitting:
        order = list(Precision)
        newest = sorted(fitting, key=lambda pair: pair[1].created, reverse=True)
        return min(newest, key=lambda pair: order.index(pair[1].precision))[0]
    if sound:
        engine, record = min(sound, key=lambda pair: len(mismatches(pair[1], machine, sources)))
        raise mismatch_error(bundle.path, engine.key, record, mismatches(record, machine, sources)[0], machine.sm)
    unsound = [engine.error for engine in engines if engine.error]
    if unsound:
        raise unsound[0]
    target = f" --target sm{machine.sm}" if machine.runtime == "tensorrt-rtx" else ""
    command = f"isfp build {bundle.path} --runtime {machine.runtime} --precision {precision or Precision.FP16}{target}"
    raise EngineMismatchError(
        f"{bundle.path} has no {machine.runtime} engine{f' in {precision}' if precision else ''}. Build it: {command}",
        "engines",
        [],
        machine.runtime,
        command,
    )


def mismatch_error(bundle: Path, key: str, record: EngineRecord, mismatch: Mismatch, sm: str | None) -> EngineMismatchError:
    """Return the error that names one mismatch and the command that builds the engine again."""
    command = rebuild_command(bundle, record, sm)
    return EngineMismatchError(
        f"{bundle / ENGINES / key / RECORD}: {mismatch.field} is {mismatch.found!r}; expected {mismatch.expected!r}. "
        f"Build the engine for this machine: {command}",
        mismatch.field,
        mismatch.found,
        mismatch.expected,
        command,
    )


def same_version(a: str, b: str) -> bool:
    """Compare the parts that both versions have, at least three: Jetson's Python reports 10.3.0, TensorRT's library 10.3.0.26."""
    left, right = a.split("."), b.split(".")
    parts = max(3, min(len(left), len(right)))
    return left[:parts] == right[:parts]


def _major(version: str) -> int:
    return int(version.split(".")[0])
