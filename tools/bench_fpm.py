"""The FPM scan in each of its forms on the CPU: python tools/bench_fpm.py

The cell loop of the NumPy reference, which defines the operator; the batched anti-diagonals in PyTorch; the ONNX function, which a
bundle brings with it, in ONNX Runtime; and the bodies of the TensorRT plugin's kernels, compiled for the host and run by its
threads. All get the same numbers and must give the same result. Needs pip install "isfp[export]"; the plugin also a C++ compiler.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import torch
import typer
from onnx import numpy_helper
from rich.console import Console
from rich.table import Table

from isfp.errors import IsfpError
from isfp.runtimes.threads import usable_cores
from isfp_export.onnx.fpm_function import fpm_model
from isfp_train.network.fpm_scan import fpm_scan
from onnx_session import open_session
from turns import WARNING, Task, clocked, conditions, take_turns

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "plugins"))
from fpm_scan.reference import TANH  # noqa: E402
from fpm_scan.reference import fpm_scan as cell_by_cell  # noqa: E402

BUILD = ROOT / "build" / "bench-fpm"
SOURCE = ROOT / "plugins" / "fpm_scan" / "host" / "fpm_host_scan.cpp"
ALPHA, ACTIVATION, SLOPE = 0.5, "tanh", 0.1
#: Largest difference from the reference in float64, as a share of its largest value: rounding of FP32 sums.
TOLERANCE = 1e-5
BASELINE, PLUGIN = "cell loop", "plugin on the host"


@dataclass(frozen=True)
class Scan:
    """One scan's numbers: isf `[P,S,S,C]`, w1 `[4,C,C]` and w2 `[4,2,C,C]`, float32."""

    isf: np.ndarray
    w1: np.ndarray
    w2: np.ndarray

    @classmethod
    def random(cls, phrases: int, grid: int, channels: int) -> "Scan":
        """Draw numbers that keep the states within the activation's bend."""
        rng = np.random.default_rng(0)
        shapes = (phrases, grid, grid, channels), (4, channels, channels), (4, 2, channels, channels)
        isf, w1, w2 = (rng.standard_normal(shape) for shape in shapes)
        values = isf, w1 * channels**-0.5, w2 * channels**-0.5
        return cls(*(value.astype(np.float32) for value in values))


@dataclass(frozen=True)
class Form:
    """A form of the scan: a task that measures it, and what it gives `[P,S,S,C]`."""

    task: Task
    out: Callable[[], np.ndarray]


def main(
    phrases: Annotated[int, typer.Option(min=1, help="P, phrases that run together.")] = 1,
    grid: Annotated[int, typer.Option(min=2, help="S.")] = 13,
    channels: Annotated[int, typer.Option(min=1, help="C: 128 is that of edge, 512 that of the paper's size.")] = 128,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of three measured runs of each form.")] = 20,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for one on each core that may be used.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    used = threads or usable_cores()
    report = conditions(used)
    scan = Scan.random(phrases, grid, channels)
    forms = {
        BASELINE: _cell_loop(scan),
        "anti-diagonals": _anti_diagonals(scan, used),
        "ONNX function": _onnx_function(scan, used),
    }
    passed_over = {}
    if compiler := shutil.which("c++"):
        forms[PLUGIN] = _plugin(scan, compiler, used)
    else:
        passed_over[PLUGIN] = "it needs a C++ compiler, c++"
    differences = {name: _difference(scan, form.out()) for name, form in forms.items()}
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise IsfpError(
                f"{name} differs from the reference by {difference:.2g} of its largest value; expected at most {TOLERANCE}."
            )
    timings = take_turns({name: form.task for name, form in forms.items()}, rounds)
    ratios = {name: round(timings[BASELINE].median / timing.median, 2) for name, timing in timings.items()}
    if as_json:
        shown = {name: timing.to_json() | {"difference": differences[name]} for name, timing in timings.items()}
        sizes = {"phrases": phrases, "grid": grid, "channels": channels}
        print(json.dumps({**report, **sizes, "forms": shown, "speedup_over_cell_loop": ratios, "passed_over": passed_over}))
        return
    table = Table("form", "median ms", "p95", "times as fast", "difference", title=f"FPM scan, P={phrases}, S={grid}, C={channels}")
    for name, timing in timings.items():
        table.add_row(name, f"{timing.median:.3f}", f"{timing.p95:.3f}", f"{ratios[name]:.2f}", f"{differences[name]:.1e}")
    Console().print(table)
    for name, reason in passed_over.items():
        print(f"{name} was passed over: {reason}")
    print(f"{report['machine']}, {used} threads" + (f"\n{WARNING}" if report["busy"] else ""))


def _cell_loop(scan: Scan) -> Form:
    def run() -> np.ndarray:
        return cell_by_cell(scan.isf, scan.w1, scan.w2, ALPHA, TANH, SLOPE)

    return Form(clocked(run), run)


def _anti_diagonals(scan: Scan, threads: int) -> Form:
    torch.set_num_threads(threads)
    isf, w1, w2 = (torch.from_numpy(value) for value in (scan.isf, scan.w1, scan.w2))

    @torch.inference_mode()
    def run() -> np.ndarray:
        return fpm_scan(isf, w1, w2, ALPHA, ACTIVATION, SLOPE).numpy()

    return Form(clocked(run), run)


def _onnx_function(scan: Scan, threads: int) -> Form:
    """As in an exported stage: the weights are part of the model."""
    _, grid, _, channels = scan.isf.shape
    model = fpm_model(grid, channels, ACTIVATION, ALPHA, SLOPE)
    weights = {"w1": scan.w1, "w2": scan.w2}
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    onnx.checker.check_model(model)
    session = open_session(model, threads)

    def run() -> np.ndarray:
        return session.run(["out"], {"isf": scan.isf})[0]

    return Form(clocked(run), run)


def _plugin(scan: Scan, compiler: str, threads: int) -> Form:
    """The bodies of the fast kernels in FP32, with one block of one thread on each path and slice of up to 128 channels."""
    BUILD.mkdir(parents=True, exist_ok=True)
    program, case, result = (BUILD / name for name in ("fpm_host_scan", "case", "result"))
    command = [compiler, "-std=c++20", "-O3", "-pthread", "-o", str(program), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise IsfpError(f"{' '.join(command)} failed: {done.stderr.strip()[-2000:]}")
    phrases, grid, _, channels = scan.isf.shape
    slice_log2, paths_at_once = min(7, (channels - 1).bit_length()), max(paths for paths in (1, 2, 4) if paths <= max(1, threads))
    header = f"float fma nothing {phrases} {grid} {channels} {ALPHA} {TANH} {SLOPE} {slice_log2} {phrases} {paths_at_once} 1\n"
    case.write_bytes(header.encode() + b"".join(array.tobytes() for array in (scan.isf, scan.w1, scan.w2)))

    def run() -> float:
        """A process for each run; it measures itself, its second scan."""
        done = subprocess.run([program, case, result, "2"], capture_output=True, text=True)
        if done.returncode:
            raise IsfpError(f"{program} failed: {done.stderr.strip()}")
        return float(done.stdout) / 1e3

    def out() -> np.ndarray:
        run()
        return np.fromfile(result, np.float32).reshape(scan.isf.shape)

    return Form(run, out)


def _difference(scan: Scan, found: np.ndarray) -> float:
    expected = cell_by_cell(*(value.astype(np.float64) for value in (scan.isf, scan.w1, scan.w2)), ALPHA, TANH, SLOPE)
    return float(np.abs(found - expected).max() / np.abs(expected).max())


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"bench_fpm: {error}")
