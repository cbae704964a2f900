"""Which of a bundle's engines fits this machine, and where none does, which field of which record says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isfp.bundle.bundle import ENGINES, Bundle
from isfp.engines.fpm import PLUGIN_VERSION
from isfp.engines.plans import check_place, rebuild_command
from isfp.engines.record import PRECISIONS, RECORD, EngineRecord, read_record
from isfp.errors import EngineMismatchError, IsfpError


@dataclass(frozen=True)
class Machine:
    """What a runtime and the GPU under it are; see `EngineRecord` for the fields."""

    runtime: str
    runtime_version: str
    sm: str
    cuda: str | None = None
    gpu: str | None = None


@dataclass(frozen=True)
class Misfit:
    """One field of a record that does not fit: what it says, and what would fit."""

    field: str
    found: object
    expected: object


@dataclass(frozen=True)
class Engine:
    """A folder of plans: its name under `engines/`, and its record or the error that reading it gave."""

    key: str
    record: EngineRecord | None
    error: IsfpError | None = None


def engines_of(bundle: Bundle) -> list[Engine]:
    """Return all engines of a bundle, in the order of their names; one whose record is unsound comes with its error."""
    folder = bundle.path / ENGINES
    if not folder.is_dir():
        return []
    engines = []
    for path in sorted(folder.iterdir()):
        # Names that begin with a dot are builds under way.
        if path.is_dir() and not path.name.startswith("."):
            try:
                engines.append(Engine(path.name, read_record(check_place(bundle.path, f"{path.name}/{RECORD}").parent)))
            except IsfpError as error:
                engines.append(Engine(path.name, None, error))
    return engines


def misfits(record: EngineRecord, machine: Machine, sources: Mapping[str, str]) -> list[Misfit]:
    """Return what keeps an engine from running here, nothing if it fits.

    `runtime`, `sm` and `sources` must be equal, and so must `runtime_version` as far as both state it. TensorRT's plans
    also hold to the GPU model: NVIDIA warns of running a plan on another model of the same SM. `cuda` must be of a major
    version that the driver here runs. `driver` is for people.

    Args:
        record: the engine's record.
        machine: what is here.
        sources: SHA-256 of the bundle's ONNX files by name.
    """
    pairs = [("runtime", record.runtime, machine.runtime), ("sm", record.sm, machine.sm)]
    if record.runtime == machine.runtime and not same_version(record.runtime_version, machine.runtime_version):
        pairs.append(("runtime_version", record.runtime_version, machine.runtime_version))
    if record.runtime == "tensorrt" and machine.gpu and record.gpu and record.gpu != machine.gpu:
        pairs.append(("gpu", record.gpu, machine.gpu))
    if record.plugin_version is not None:
        pairs.append(("plugin_version", record.plugin_version, PLUGIN_VERSION))
    found = [Misfit(*pair) for pair in pairs if pair[1] != pair[2]]
    if record.cuda and machine.cuda and _major(record.cuda) > _major(machine.cuda):
        found.append(Misfit("cuda", record.cuda, f"at most {_major(machine.cuda)}, which this driver runs"))
    changed = sorted(name for name in sources.keys() | record.sources.keys() if sources.get(name) != record.sources.get(name))
    if changed:
        name = changed[0]
        found.append(Misfit(f"sources.{name}", record.sources.get(name), sources.get(name)))
    return found


def sources_of(bundle: Bundle) -> dict[str, str]:
    """Return the SHA-256 of the bundle's ONNX files by name, as a record's `sources`."""
    files = {stage.file for stage in bundle.manifest.stages.values()}
    return {file: bundle.manifest.files[file].sha256 for file in sorted(files)}


def choose_engine(bundle: Bundle, machine: Machine, precision: str | None = None) -> Engine:
    """Return the bundle's engine that fits this machine, the best precision first (`engines.PRECISIONS`), then the newest.

    Raises:
        EngineMismatchError: none fits; it names the field of the engine that comes nearest, and the command that builds one.
    """
    sources = sources_of(bundle)
    engines = [e for e in engines_of(bundle) if e.record is None or e.record.runtime == machine.runtime]
    sound = [(e, e.record) for e in engines if e.record and precision in (None, e.record.precision)]
    fitting = [pair for pair in sound if not misfits(pair[1], machine, sources)]
    if fitting:
        newest = sorted(fitting, key=lambda pair: pair[1].created, reverse=True)
        return min(newest, key=lambda pair: PRECISIONS.index(pair[1].precision))[0]
    if sound:
        engine, record = min(sound, key=lambda pair: len(misfits(pair[1], machine, sources)))
        raise mismatch(bundle.path, engine.key, record, misfits(record, machine, sources)[0], machine.sm)
    unsound = [engine.error for engine in engines if engine.error]
    if unsound:
        raise unsound[0]
    target = f" --target sm{machine.sm}" if machine.runtime == "tensorrt-rtx" else ""
    command = f"isfp build {bundle.path} --runtime {machine.runtime} --precision {precision or 'fp16'}{target}"
    raise EngineMismatchError(
        f"{bundle.path} has no {machine.runtime} engine{f' in {precision}' if precision else ''}. Build it: {command}",
        "engines",
        [],
        machine.runtime,
        command,
    )


def mismatch(bundle: Path, key: str, record: EngineRecord, misfit: Misfit, sm: str) -> EngineMismatchError:
    """Return the error that names one misfit and the command that builds the engine anew."""
    command = rebuild_command(bundle, record, sm)
    return EngineMismatchError(
        f"{bundle / ENGINES / key / RECORD}: {misfit.field} is {misfit.found!r}; expected {misfit.expected!r}. "
        f"Build the engine for this machine: {command}",
        misfit.field,
        misfit.found,
        misfit.expected,
        command,
    )


def same_version(a: str, b: str) -> bool:
    """Compare versions as far as both go, three parts at least: Jetson's Python says 10.3.0, TensorRT's library 10.3.0.26."""
    left, right = a.split("."), b.split(".")
    parts = max(3, min(len(left), len(right)))
    return left[:parts] == right[:parts]


def _major(version: str) -> int:
    return int(version.split(".")[0])
