"""Prove the engines on a device, and write one report: python tools/gpu_check.py [BUNDLE] [--checkpoint CHECKPOINT].

Runs the kernels (as `make kernel-check`), builds the plugin and the engines, runs the GPU tests and the benchmark. Each step runs
if what it needs is here; otherwise the report says why not. Exit code: 0 all that could run passed, 1 something failed, 2 this
machine cannot do it, and why.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from check_steps import Check, Step, compiler_missing, machine_facts, module_missing, tool_missing
from kernel_check import first_gpu, gpu_missing, kernel_steps, refuse, torch_missing

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "plugins"
LIBRARY = BUILD / "lib" / "libisfp_fpm_scan.so"
SCAN_LIBRARY = BUILD / "lib" / "libfpm_scan_library.so"
PLUGIN = {"ISFP_PLUGIN": str(LIBRARY)}
HOUR = 3600.0

SDK = 'pip install -e "."'
TENSORRT = (
    "Jetson: sudo apt install nvidia-jetpack, and an environment made with --system-site-packages; else: pip install tensorrt"
)
BUILDING = 'pip install -e ".[engines]"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    models = ROOT / "models"
    parser.add_argument("bundle", nargs="?", type=Path, default=models / "edge.isfp", help="built from a copy, not changed")
    parser.add_argument("--checkpoint", type=Path, help="its checkpoint, for PyTorch beside it [BUNDLE's .pt]")
    parser.add_argument("--precision", action="append", help="precisions to build [fp32 and fp16]")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu-check", help="folder for the report and the copy")
    arguments = parser.parse_args()
    gpu = first_gpu()
    lacking = gpu_missing(gpu)
    if not (arguments.bundle / "manifest.json").is_file():
        lacking.append(f"{arguments.bundle} is no bundle")
    if lacking:
        refuse("gpu-check", lacking)
    check = Check("gpu-check", arguments.out, machine_facts(gpu))
    copy = arguments.out / arguments.bundle.name
    shutil.copytree(arguments.bundle, copy, ignore=shutil.ignore_patterns("engines"))
    kernel_steps(check, gpu)
    built = plugin_steps(check, gpu)
    device_step(check, built)
    engines = engine_steps(check, copy, gpu, arguments.precision or ["fp32", "fp16"], built)
    test_step(check, copy, engines)
    benchmark_step(check, copy, arguments.checkpoint or arguments.bundle.with_suffix(".pt"), engines)
    print(f"\nReport: {arguments.out / 'report.md'}")
    sys.exit(check.exit_code)


def plugin_steps(check: Check, gpu: Any) -> Step:
    """Build the plugin and run it without and with TensorRT; returns the build."""
    lacking = [*compiler_missing(), *tool_missing("cmake", "sudo apt install cmake")]
    headers = installed_headers()
    steps = []
    if headers is None:
        headers = ROOT / "build" / "tensorrt-headers"
        fetch = [sys.executable, ROOT / "plugins" / "fetch_headers.py", headers]
        steps.append(check.run("TensorRT's headers from PyPI", fetch, needs=lacking))
    options = [f"-DISFP_CUDA_ARCHITECTURES={gpu.sm}", f"-DTENSORRT_INCLUDE_DIR={headers}"]
    steps.append(check.run("configure the plugin", ["cmake", "-S", ROOT, "-B", BUILD, *options], needs=lacking, after=steps))
    # Only what a device needs: the tests on a CUDA runtime of host threads depend on the compiler's start-up code.
    targets = ["fpm_plugin", "fpm_plugin_test", "fpm_enqueue_test", "fpm_scan_library", "frame"]
    command = ["cmake", "--build", BUILD, "--parallel", os.cpu_count(), "--target", *targets]
    built = check.run("build the plugin", command, limit=HOUR, after=steps)
    for name, program in (("plugin's interfaces", "fpm_plugin_test"), ("plugin on the GPU, without TensorRT", "fpm_enqueue_test")):
        check.run(name, [BUILD / "bin" / program, LIBRARY], after=[built])
    tests = ROOT / "tests" / "plugins" / "test_gpu_fpm_scan.py"
    needs = [*module_missing("isfp", SDK), *tensorrt_missing()]
    check.pytest("plugin in TensorRT against the NumPy reference", tests, PLUGIN, needs=needs, after=[built])
    return built


def device_step(check: Check, built: Step) -> Step:
    """The SDK's device and stages on the GPU, with the scan in the engine's place."""
    needs = [*module_missing("isfp", SDK), *device_missing()]
    tests = ROOT / "tests" / "gpu" / "test_device.py"
    return check.pytest("device and stages", tests, {"ISFP_SCAN_LIBRARY": str(SCAN_LIBRARY)}, needs=needs, after=[built])


def engine_steps(check: Check, copy: Path, gpu: Any, precisions: Sequence[str], built: Step) -> list[Step]:
    """Build the engines of a copy of the bundle with each TensorRT that is here and serves this GPU."""
    command = [sys.executable, "-m", "isfp.cli", "build", copy]
    common = [*module_missing("isfp", SDK), *module_missing("onnx", BUILDING), *module_missing("ml_dtypes", BUILDING)]
    full = [*common, *tensorrt_missing(), *module_missing("onnx_graphsurgeon", BUILDING)]
    rtx = [*common, *rtx_missing(gpu.sm)]
    steps = []
    for precision in precisions:
        step = [*command, "--runtime", "tensorrt", "--precision", precision]
        name = f"build the engine, TensorRT {precision}"
        steps.append(check.run(name, step, limit=HOUR, environment=PLUGIN, needs=full, after=[built] if not full else []))
    for precision in precisions:
        step = [*command, "--runtime", "tensorrt-rtx", "--precision", precision, "--target", f"sm{gpu.sm}"]
        steps.append(check.run(f"build the engine, TensorRT-RTX {precision}", step, limit=HOUR, needs=rtx))
    return steps


def test_step(check: Check, copy: Path, engines: Sequence[Step]) -> Step:
    """The engines against ONNX Runtime."""
    tests = ROOT / "tests" / "gpu" / "test_engines_on_device.py"
    needs = [*engine_missing(engines), *device_missing()]
    return check.pytest("engines against ONNX Runtime", tests, {**PLUGIN, "ISFP_GPU_BUNDLE": str(copy)}, needs=needs)


def benchmark_step(check: Check, copy: Path, checkpoint: Path, engines: Sequence[Step]) -> Step:
    """The engines beside PyTorch, or PyTorch alone."""
    command = [sys.executable, ROOT / "tools" / "benchmark_gpu.py", copy, "--json"]
    command += ["--checkpoint", checkpoint] if checkpoint.exists() else []
    needs = engine_missing(engines)
    if checkpoint.exists() and not module_missing("isfp_train", "") and not torch_missing():
        needs = module_missing("isfp", SDK)
    needs += device_missing()
    return check.run("benchmark", command, limit=HOUR, environment=PLUGIN, needs=needs, keep="json")


def installed_headers() -> Path | None:
    """The folder of this machine's TensorRT headers."""
    candidates = [os.environ.get("TENSORRT_INCLUDE_DIR"), "/usr/include/aarch64-linux-gnu", "/usr/include/x86_64-linux-gnu"]
    for folder in (*candidates, "/usr/local/tensorrt/include"):
        if folder and (Path(folder) / "NvInferRuntime.h").exists():
            return Path(folder)
    return None


def tensorrt_missing() -> list[str]:
    """Why full TensorRT cannot build here; nothing if it can."""
    return module_missing("tensorrt", TENSORRT) or _asked("import tensorrt; tensorrt.Builder", "TensorRT cannot build")[1]


def rtx_missing(sm: str) -> list[str]:
    """Why TensorRT-RTX cannot be used on a GPU of this SM; nothing if it can."""
    if missing := module_missing("tensorrt_rtx", 'pip install -e ".[rtx]"; not for Jetson'):
        return missing
    question = "import tensorrt_rtx as t; print(*(name for name in dir(t.ComputeCapability) if name.startswith('SM')))"
    served, reasons = _asked(question, "TensorRT-RTX cannot be imported")
    if not reasons and f"SM{sm}" not in served:
        return [f"TensorRT-RTX does not serve GPUs of SM {sm}, only {', '.join(served)}"]
    return reasons


def device_missing() -> list[str]:
    """Why the SDK cannot use the GPU; nothing if it can."""
    question = "import sys; from isfp.runtimes import cuda; sys.exit(cuda.why_unusable())"
    return _asked(question, "Python cannot use the GPU")[1]


def engine_missing(engines: Sequence[Step]) -> list[str]:
    """What to say if there is no engine; nothing if there is one."""
    return [] if any(step.state == "passed" for step in engines) else ["no engine was built"]


def _asked(question: str, otherwise: str) -> tuple[list[str], list[str]]:
    """The words that a line of Python prints, or why it fails; in a process of its own, because importing TensorRT may crash."""
    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        return done.stdout.split(), []
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return [], [f"{otherwise}: {said[-1]}"]


if __name__ == "__main__":
    main()
