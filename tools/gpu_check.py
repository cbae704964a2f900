"""Prove the engines on a device, and write one report: python tools/gpu_check.py [BUNDLE] [--checkpoint CHECKPOINT].

Builds the plugin and the engines, runs the GPU tests, the sanitizers and the benchmark. Exit code: 0 all passed, 1 something
failed, 2 this machine cannot do it, and why.
"""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from gpu_steps import Step, find_tool, headers, machine_facts, missing, pytest_step, render, run_step
from isfp import IsfpError
from isfp.bundle.bundle import Bundle
from isfp.engines.gpu import first_gpu
from isfp.runtimes.plugin import PLUGIN_VARIABLE

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "plugins"
LIBRARY = BUILD / "lib" / "libisfp_fpm_scan.so"
HOUR = 3600.0


def main(
    bundle: Annotated[Path, typer.Argument(help="Bundle whose engines to build; it is copied, not changed.")] = ROOT
    / "models"
    / "edge.isfp",
    checkpoint: Annotated[Path | None, typer.Option(help="Its checkpoint, for PyTorch beside it [BUNDLE's .pt].")] = None,
    precision: Annotated[list[str] | None, typer.Option(help="Precisions to build [fp32 and fp16].")] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.json, report.md and the copy.")] = ROOT / "build" / "gpu-check",
) -> None:
    lacking = missing()
    if lacking:
        print("gpu-check cannot run here:\n" + "\n".join(f"  - {reason}" for reason in lacking), file=sys.stderr)
        print("See docs/tensorrt.md, and: isfp doctor", file=sys.stderr)
        raise typer.Exit(2)
    Bundle.open(bundle)
    copy = out / bundle.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copytree(bundle, copy, ignore=shutil.ignore_patterns("engines"))
    checkpoint = checkpoint or bundle.with_suffix(".pt")
    steps = [
        *_plugin(out),
        *_engines(copy, precision or ["fp32", "fp16"]),
        *_tests(copy, out),
        *_sanitizers(),
        *_benchmark(copy, checkpoint),
    ]
    report = {"machine": machine_facts(), "steps": [step.to_json() for step in steps]}
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "report.md").write_text(render(report), encoding="utf-8")
    print(f"\nReport: {out / 'report.md'}")
    raise typer.Exit(1 if any(step.state == "failed" for step in steps) else 0)


def _plugin(out: Path) -> list[Step]:
    gpu = first_gpu()
    assert gpu is not None
    configure = ["cmake", "-S", ROOT, "-B", BUILD, f"-DISFP_CUDA_ARCHITECTURES={gpu.sm}", f"-DTENSORRT_INCLUDE_DIR={headers(ROOT)}"]
    steps = [run_step("configure the plugin", configure)]
    steps.append(run_step("build the plugin", ["cmake", "--build", BUILD, "--parallel", os.cpu_count()], HOUR, after=steps))
    steps.append(run_step("kernels on the GPU against the host", ["ctest", "--output-on-failure"], HOUR, after=steps, cwd=BUILD))
    tests = ROOT / "tests" / "plugins" / "test_gpu_fpm_scan.py"
    environment = {PLUGIN_VARIABLE: str(LIBRARY)}
    return [*steps, pytest_step("plugin against the NumPy reference", tests, out / "plugin.xml", environment, after=steps)]


def _engines(copy: Path, precisions: list[str]) -> list[Step]:
    isfp = [sys.executable, "-m", "isfp.cli", "build", copy]
    steps = []
    for precision in precisions:
        command = [*isfp, "--runtime", "tensorrt", "--precision", precision]
        steps.append(run_step(f"build the engine, TensorRT {precision}", command, HOUR, {PLUGIN_VARIABLE: str(LIBRARY)}))
    if importlib.util.find_spec("tensorrt_rtx"):
        gpu = first_gpu()
        assert gpu is not None
        for precision in precisions:
            command = [*isfp, "--runtime", "tensorrt-rtx", "--precision", precision, "--target", f"sm{gpu.sm}"]
            steps.append(run_step(f"build the engine, TensorRT-RTX {precision}", command, HOUR))
    return steps


def _tests(copy: Path, out: Path) -> list[Step]:
    environment = {"ISFP_GPU_BUNDLE": str(copy), PLUGIN_VARIABLE: str(LIBRARY)}
    return [pytest_step("engines against ONNX Runtime", ROOT / "tests" / "gpu", out / "engines.xml", environment)]


def _sanitizers() -> list[Step]:
    tool, program = find_tool("compute-sanitizer"), BUILD / "bin" / "fpm_device_test"
    steps = []
    for kind in ("memcheck", "racecheck"):
        if tool is None:
            steps.append(
                Step(f"compute-sanitizer {kind}", "skipped", "compute-sanitizer is not installed (it comes with the CUDA toolkit)")
            )
        else:
            steps.append(run_step(f"compute-sanitizer {kind}", [tool, "--tool", kind, "--error-exitcode", "1", program], HOUR))
    return steps


def _benchmark(copy: Path, checkpoint: Path) -> list[Step]:
    command = [sys.executable, ROOT / "tools" / "benchmark_gpu.py", copy, "--json"]
    if checkpoint.exists():
        command += ["--checkpoint", checkpoint]
    return [run_step("benchmark", command, HOUR, {PLUGIN_VARIABLE: str(LIBRARY)}, keep="json")]


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"gpu-check: {error}")
