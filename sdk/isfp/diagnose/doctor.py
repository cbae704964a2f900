"""What this machine has, what can run on it, and which command to type next."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isfp.bundle.bundle import Bundle
from isfp.diagnose import jetson as jetsons
from isfp.diagnose.finding import Finding
from isfp.engines.gpu import first_gpu
from isfp.errors import IsfpError
from isfp.runtimes import RUNTIMES, cuda, runtime_class
from isfp.runtimes.plugin import find_library


@dataclass(frozen=True)
class DoctorReport:
    """What this machine can run.

    Attributes:
        findings: the result of each check.
        runtime: the runtime that `auto` would choose; None if there is none.
        next: the one command to type next.
    """

    findings: list[Finding]
    runtime: str | None
    next: str

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


def examine(bundle: Bundle | None = None) -> DoctorReport:
    """Look at this machine. The only large packages that this loads are ONNX Runtime and, with a bundle, its engines' runtimes.

    Args:
        bundle: the bundle that is to run here, if there is one already.
    """
    findings = [
        _python(),
        _opencv(),
        _driver(),
        *_jetson(),
        _tensorrt(),
        _package("TensorRT-RTX", "tensorrt_rtx"),
        _cuda(),
        _plugin(),
        *_runtimes(),
        _torch(),
    ]
    runtime = next((name for name in RUNTIMES if _runs(name, bundle)), None)
    return DoctorReport(findings, runtime, next_command(bundle, runtime))


def next_command(bundle: Bundle | None, runtime: str | None) -> str:
    """Return the one command that brings this machine a step further, given what `auto` takes."""
    path = str(bundle.path) if bundle else "BUNDLE"
    ready = f"isfp run {path} --image PICTURE --phrase 'the red mug'"
    if runtime is None:
        return "pip install onnxruntime"
    gpu, jetson = first_gpu(), jetsons.this_jetson()
    if gpu is None or (bundle and runtime not in _WITHOUT_ENGINES) or (jetson and not jetson.supported):
        return ready
    full, rtx = find_spec("tensorrt") is not None, find_spec("tensorrt_rtx") is not None
    if jetson and not full:  # TensorRT-RTX does not run there
        return jetsons.unseen_tensorrt() or _JETPACK
    if not full and not rtx:
        return _install("rtx")
    if cuda.why_unusable() or find_spec("onnx") is None:  # what runs an engine, and what builds it
        return _install(cuda.extra() if full else "rtx")
    if full and not _plugin().good:
        return "make plugin" if not jetson else _JETPACK if jetsons.toolkit_missing() else _build_plugin(gpu.sm)
    if full:
        return f"isfp build {path} --runtime tensorrt --precision fp16"
    return f"isfp build {path} --runtime tensorrt-rtx --precision fp16 --target sm{gpu.sm}"


_WITHOUT_ENGINES = ("onnxruntime", "openvino")  # what `auto` takes on a CPU


def _install(extra: str) -> str:
    return f'pip install "isfp[{extra}]"'


_JETPACK = "sudo apt install nvidia-jetpack"


def _build_plugin(sm: str) -> str:
    # `make plugin` runs its tests too, in an environment with PyTorch, which is much to ask of a Jetson.
    return (
        f"cmake -S . -B build/plugins -DISFP_CUDA_ARCHITECTURES={sm} && cmake --build build/plugins --parallel --target fpm_plugin"
    )


def _runs(name: str, bundle: Bundle | None) -> bool:
    runtime = runtime_class(name)
    return runtime.why_unavailable() is None and (bundle is None or runtime.why_unfit(bundle) is None)


def _python() -> Finding:
    good = sys.version_info >= (3, 10)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", good, found, "" if good else "Install Python 3.10 or later.")


def _opencv() -> Finding:
    import cv2

    from isfp.camera.sources import has_gstreamer

    window = re.search(r"GUI:\s*(\S+)", cv2.getBuildInformation())
    gui = window.group(1) if window else "NONE"
    found = f"{cv2.__version__}, windows: {gui}, GStreamer: {'yes' if has_gstreamer() else 'no'}"
    remedy = "" if has_gstreamer() else _SYSTEM_OPENCV
    if remedy and _system_opencv_is_for_numpy_1():
        remedy += " and pip install 'numpy<2', which the system's was built for"
    return Finding("OpenCV", True, found, remedy)


def _system_opencv_is_for_numpy_1() -> bool:
    """Return whether the distribution's OpenCV, or the one it would install, cannot be imported with NumPy 2."""
    folder = jetsons.root() / "usr" / "lib"
    libraries = [*folder.glob("python3*/dist-packages/cv2*.so"), *folder.glob("python3*/dist-packages/cv2/python-*/cv2*.so")]
    if libraries:
        return not any(b"numpy._core" in library.read_bytes() for library in libraries)  # what NumPy 2's headers import
    jetson = jetsons.this_jetson()
    return jetson is not None and 0 < jetson.major <= jetsons.NUMPY_1


_SYSTEM_OPENCV = (
    "For csi:// and pipelines use the system's OpenCV: sudo apt install python3-opencv, and in an environment made with "
    "--system-site-packages: pip uninstall opencv-python"
)


def _runtimes() -> list[Finding]:
    findings = []
    for name in RUNTIMES:
        reason = runtime_class(name).why_unavailable()
        if reason and name == "openvino":
            findings.append(Finding(f"runtime {name}", False, "not installed", f"Optional, for Intel's CPUs: {_install(name)}"))
            continue
        findings.append(Finding(f"runtime {name}", reason is None, "cannot run" if reason else _about(name), reason or ""))
    return findings


def _about(name: str) -> str:
    if name == "onnxruntime":
        import onnxruntime

        return f"{onnxruntime.__version__}, providers: {', '.join(onnxruntime.get_available_providers())}"
    return "ready"


def _driver() -> Finding:
    gpu = first_gpu()
    if gpu:
        found = f"{gpu.name}, SM {gpu.sm}, driver {gpu.driver or 'of unknown version'}, runs CUDA up to {gpu.cuda}"
        return Finding("NVIDIA GPU", True, found)
    if jetsons.this_jetson():
        remedy = (
            "A user needs the groups: sudo usermod -aG video,render $USER, then log in again. A container needs --runtime nvidia."
        )
        return Finding("NVIDIA GPU", False, "CUDA finds none, on a Jetson", remedy)
    return Finding("NVIDIA GPU", False, "none", "Not needed on a CPU.")


def _jetson() -> list[Finding]:
    jetson = jetsons.this_jetson()
    return jetsons.findings(jetson) if jetson else []


def _tensorrt() -> Finding:
    command = jetsons.unseen_tensorrt() if jetsons.this_jetson() else None
    if command and find_spec("tensorrt") is None:
        found = "JetPack's, which this Python does not see"
        return Finding("TensorRT", False, found, f"Make an environment that sees it: {command}")
    return _package("TensorRT", "tensorrt")


def _cuda() -> Finding:
    """Find the package through which Python uses the GPU, and say why an earlier one is not used."""
    what = "CUDA for Python"
    reasons: list[str] = []
    for package in cuda.PACKAGES:
        reason = package.why_unusable()
        if reason is None:
            remedy = f"{' '.join(reasons)} Install the other: {_install(cuda.extra())}" if reasons else ""
            return Finding(what, True, f"{package.name} {package.version}".rstrip(), remedy)
        if package.version is not None:
            reasons.append(reason)
    found = "not usable" if reasons else "not installed"
    return Finding(what, False, found, (cuda.why_unusable() or "") if first_gpu() else "Not needed on a CPU.")


def _package(what: str, module: str) -> Finding:
    if find_spec(module) is None:
        return Finding(what, False, "not installed", "" if first_gpu() else "Not needed on a CPU.")
    # cu12, cu13: packages on PyPI are named after the CUDA that they bring.
    return Finding(what, True, _version(*(module + ending for ending in ("", "_cu13", "_cu12"))))


def _plugin() -> Finding:
    """Find the FPM scan plugin, and for which GPUs it has device code."""
    what, unneeded = "FPM scan plugin", "" if first_gpu() else "Only for TensorRT."
    try:
        library = find_library()
    except IsfpError as error:
        return Finding(what, False, "not usable", str(error))
    if library is None:
        return Finding(what, False, "not built", unneeded or "Build it in a checkout: make plugin")
    architectures = plugin_architectures(library)
    known = ", ".join(architectures) if architectures else "GPUs that only cuobjdump of the CUDA toolkit can tell"
    gpu = first_gpu()
    good = gpu is None or not architectures or any(_serves(architecture, gpu.sm) for architecture in architectures)
    remedy = "" if good or gpu is None else f"Build it with -DISFP_CUDA_ARCHITECTURES={gpu.sm} (plugins/fpm_scan/README.md)."
    return Finding(what, good, f"{library}, for SM {known}" if architectures else f"{library}, for {known}", remedy)


def _serves(architecture: str, sm: str) -> bool:
    """Say whether device code runs on an SM: intermediate code on all newer ones, final code within its major version."""
    number = int(architecture.rstrip("+"))
    return number <= int(sm) and (architecture.endswith("+") or number // 10 == int(sm) // 10)


def plugin_architectures(library: Path) -> list[str]:
    """Return the SMs that a library has device code for; nothing where cuobjdump is not here.

    Returns:
        Such as `["86", "87", "80+"]`; a plus marks intermediate code, which the driver compiles for newer GPUs.
    """
    tool = shutil.which("cuobjdump") or "/usr/local/cuda/bin/cuobjdump"
    found = []
    for option, mark in (("--list-elf", ""), ("--list-ptx", "+")):
        try:
            listed = subprocess.run([tool, option, str(library)], capture_output=True, text=True, timeout=30).stdout
        except (OSError, subprocess.SubprocessError):
            return []
        found += [sm + mark for sm in sorted(set(re.findall(r"sm_(\d+)", listed)), key=int)]
    return found


def _torch() -> Finding:
    if find_spec("torch") is None:
        return Finding("PyTorch", False, "not installed", 'Only for training and export: pip install "isfp[train,export]"')
    return Finding("PyTorch", True, _version("torch"))


def _version(*distributions: str) -> str:
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "installed"
