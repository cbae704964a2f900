"""Prove and time the FPM scan's kernels on the GPU at hand: python3 tools/kernel_check.py. No package, no network, no TensorRT.

Compiles the scan, its test and its benchmark, and the letterbox and masks for this GPU with nvcc, compares the kernels with the
host, eager and as a graph, runs compute-sanitizer where it is installed, and measures; beside it PyTorch's scan, where PyTorch with
CUDA is found. Exit code: 0 all passed, 1 something failed, 2 this machine cannot do it, and why.
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from check_steps import Check, Step, compiler_missing, find_tool, machine_facts, module_missing

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "plugins"
_SCAN = ("fpm_scan/device/scan.cu", "fpm_scan/core/launch_choice.cpp")
PROGRAMS = {
    "fpm_device_test": (*_SCAN, "fpm_scan/tests/device_test.cpp", "fpm_scan/host/host_scan.cpp"),
    "fpm_device_bench": (*_SCAN, "fpm_scan/tests/device_bench.cpp"),
    "frame_device_test": ("frame/device/frame.cu", "frame/tests/device_test.cpp"),
}
OLDEST_SM = 80  # the FP16 kernel's matrix instruction
SANITIZERS = {"memcheck": (), "racecheck": (), "synccheck": (), "initcheck": ("unfilled",)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "kernel-check", help="folder for the programs and the report")
    parser.add_argument("--gpu", action="store_true", help="only say which GPU is here; exit code 2 if there is none")
    arguments = parser.parse_args()
    gpu = first_gpu()
    lacking = gpu_missing(gpu) or ([] if arguments.gpu else compiler_missing())
    if lacking:
        refuse("kernel-check", lacking)
    if arguments.gpu:
        print(f"{gpu.name}, SM {gpu.sm}, CUDA up to {gpu.cuda}")
        return
    check = Check("kernel-check", arguments.out, machine_facts(gpu))
    kernel_steps(check, gpu)
    print(f"\nReport: {arguments.out / 'report.md'}")
    sys.exit(check.exit_code)


def first_gpu() -> Any:
    """`isfp.engines.gpu.first_gpu`, without the packages that `import isfp` needs."""
    return _module("isfp_gpu", ROOT / "sdk" / "isfp" / "engines" / "gpu.py").first_gpu()


def gpu_missing(gpu: Any) -> list[str]:
    """Why no kernel can run here; nothing if one can."""
    if gpu is None:
        return ["there is no NVIDIA GPU, or its driver is not installed (nvidia-smi must list it)"]
    if int(gpu.sm) < OLDEST_SM:
        return [f"{gpu.name} is SM {gpu.sm}; the kernels need SM {OLDEST_SM} (Ampere) or later"]
    return []


def refuse(name: str, reasons: list[str]) -> None:
    """Say why a check cannot run, and end."""
    print(f"{name} cannot run here:\n" + "\n".join(f"  - {reason}" for reason in reasons), file=sys.stderr)
    print("See docs/tensorrt.md", file=sys.stderr)
    sys.exit(2)


def kernel_steps(check: Check, gpu: Any) -> list[Step]:
    """Compile, compare, sanitize and measure; returns the steps."""
    lacking, programs = compiler_missing(), check.out / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    built = {name: check.run(f"compile {name}", compile_command(name, programs, gpu.sm), needs=lacking) for name in PROGRAMS}
    test, bench, frame = (programs / name for name in PROGRAMS)
    kernels = check.run("kernels on the GPU against the host", [test], after=[built[test.name]])
    frames = check.run("letterbox and masks on the GPU against the host", [frame], after=[built[frame.name]])
    steps = [*built.values(), kernels, frames]
    sanitizer = find_tool("compute-sanitizer")
    missing = [] if sanitizer else ["compute-sanitizer is not installed (it comes with the CUDA toolkit)"]
    for kind, words in SANITIZERS.items():
        command = [sanitizer or "compute-sanitizer", "--tool", kind, "--error-exitcode", "1", test, "few", *words]
        steps.append(check.run(f"compute-sanitizer {kind}", command, needs=missing, after=[built[test.name]]))
    steps.append(check.run("time of the scan", [bench], after=[built[bench.name], kernels], keep="rows"))
    torch = [sys.executable, ROOT / "tools" / "scan_in_torch.py"]
    steps.append(check.run("time of the scan in PyTorch", torch, needs=torch_missing(), keep="rows"))
    return steps


def torch_missing() -> list[str]:
    """Why PyTorch cannot be measured here; nothing if it can."""
    return module_missing("torch", "optional: PyTorch with CUDA, to compare with") or torch_without_cuda()


def torch_without_cuda() -> list[str]:
    """Why PyTorch here cannot use the GPU; asked in a process of its own, because importing it takes memory and seconds."""
    done = subprocess.run(
        [sys.executable, "-c", "import torch; torch.zeros(1).cuda()"], capture_output=True, text=True, errors="replace"
    )
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return [] if done.returncode == 0 else [f"PyTorch cannot use this GPU: {said[-1]}"]


def compile_command(name: str, folder: Path, sm: str, nvcc: str | None = None) -> list[object]:
    """The one call of nvcc that makes a program."""
    nvcc = nvcc or find_tool("nvcc") or "nvcc"
    command = [nvcc, "-std=c++20", "-O3", "-lineinfo", "-Xcompiler=-pthread", *_code_for(nvcc, sm)]
    return [*command, "-o", folder / name, *(PLUGINS / source for source in PROGRAMS[name])]


def _code_for(nvcc: str, sm: str) -> list[str]:
    """Device code for this GPU; for one that nvcc does not know yet, intermediate code that its driver compiles."""
    try:
        known = subprocess.run([nvcc, "--list-gpu-code"], capture_output=True, text=True).stdout.split()
    except OSError:
        known = []
    return [f"-gencode=arch=compute_{sm},code=sm_{sm}"] if f"sm_{sm}" in known else ["-gencode=arch=compute_80,code=compute_80"]


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
