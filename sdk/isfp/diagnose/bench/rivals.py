"""Who takes part in a benchmark: the bundle, and what else runs it, or another bundle.

Rivals that need packages above the SDK (PyTorch) are found through the entry-point group `isfp.rivals`; each entry is a `Rival`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from isfp.bundle.bundle import Bundle
from isfp.diagnose.inspection import inspect
from isfp.errors import IsfpError, RuntimeUnavailableError
from isfp.runtimes import RUNTIMES, Runtime, choose
from isfp.runtimes.onnxruntime_providers import CHAINS

GROUP = "isfp.rivals"
ALL = "all"


@dataclass(frozen=True)
class Rival:
    """Another way to run a bundle's network.

    Attributes:
        options: what may follow its name and a colon; "" for nothing.
        make: makes its runtime for a bundle, an option, a number of threads, and a checkpoint if there is one. It raises
            RuntimeUnavailableError where it cannot run.
    """

    options: tuple[str, ...]
    make: Callable[[Bundle, str, int, Path | None], Runtime]


@dataclass(frozen=True)
class Contestant:
    """A bundle and what runs it.

    Attributes:
        name: what it is called in the report.
        bundle: the bundle's folder.
        runtime: a runtime as `Segmenter` takes it, or a rival's name, each with its option: "onnxruntime", "eager:cuda".
        threads: number of threads on a CPU; 0 for one on each core that may be used.
        checkpoint: the bundle's weights for PyTorch, if there are any.
        same_weights: whether its answers must be those of the bundle that is measured.
    """

    name: str
    bundle: Path
    runtime: str = "auto"
    threads: int = 0
    checkpoint: Path | None = None
    same_weights: bool = True

    def open_runtime(self) -> Runtime:
        """Load what runs the bundle.

        Raises:
            RuntimeUnavailableError: it is unknown, a package that it needs is missing, or this machine cannot run it.
        """
        bundle = Bundle.open(self.bundle)
        name, _, option = self.runtime.partition(":")
        found = {point.name: point for point in entry_points(group=GROUP)}
        if name in RUNTIMES or name not in found:
            return choose(self.runtime, bundle, self.threads)
        try:
            rival: Rival = found[name].load()
        except ModuleNotFoundError as error:
            raise RuntimeUnavailableError(
                f'{name} needs the module {error.name!r}, which is not installed. Install it: pip install "isfp[export]"'
            ) from error
        return rival.make(bundle, option, self.threads, self.checkpoint)


def contestants(own: Contestant, against: Sequence[str]) -> list[Contestant]:
    """Return the rivals that were asked for: runtimes, entries of `isfp.rivals`, or folders of other bundles.

    Args:
        own: what is measured.
        against: names; "all" stands for every runtime and rival with each of its options, of which those that cannot run here are
            to be passed over.

    Raises:
        IsfpError: a name is none of these, stands for what is measured itself, or is given twice.
    """
    rivals = sorted(point.name for point in entry_points(group=GROUP))
    known = [*RUNTIMES, *rivals]
    result: list[Contestant] = []
    for name in against:
        if name == ALL:
            result += [_other(own, rival) for rival in _everything(own)]
        elif Path(name).is_dir():
            result.append(Contestant(name, Path(name), own.runtime, own.threads, same_weights=False))
        elif name.partition(":")[0] in known:
            result.append(_other(own, name))
        else:
            raise IsfpError(
                f"--against {name}: there is no such rival; expected one of {', '.join(known)}, or the folder of another bundle. "
                'Rivals in PyTorch come with pip install "isfp[export]".'
            )
    names = [one.name for one in result]
    if own.name in names:
        raise IsfpError(f"--against {own.name}: this is what is measured. Name something to compare it with.")
    if len(set(names)) < len(names):
        raise IsfpError(f"--against names a rival twice: {', '.join(names)}. Name each once.")
    return result


def _everything(own: Contestant) -> list[str]:
    """Return whatever might run the bundle here, but what runs it as `own`."""
    bundle = Bundle.open(own.bundle)
    engines = [engine.option for engine in inspect(bundle).engines if engine.fits and engine.option]
    names = [*engines, "onnxruntime", *(f"onnxruntime:{chain}" for chain in CHAINS if chain != "cpu"), "openvino", "openvino:bf16"]
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            rival: Rival = point.load()
        except ModuleNotFoundError:  # it belongs to an extra that is not installed
            continue
        except Exception:  # its packages are damaged; it fails in its own process, and the report says how
            names.append(point.name)
            continue
        names += [f"{point.name}:{option}" if option else point.name for option in rival.options]
    runtime = own.open_runtime()
    runtime.close()
    same = {own.runtime, own.runtime.removesuffix(":cpu")} if own.runtime != "auto" else {runtime.name}
    return [name for name in names if name not in same]


def _other(own: Contestant, name: str) -> Contestant:
    return Contestant(name, own.bundle, name, own.threads, own.checkpoint)
