"""What the doctor says of machines that are not this one: what they have is set by hand."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from isfp.bundle.bundle import Bundle
from isfp.diagnose import doctor
from isfp.diagnose import jetson as jetsons
from isfp.engines.gpu import Gpu
from isfp.runtimes import cuda
from isfp.runtimes.cuda import CudaPackage
from isfp.runtimes.tensorrt import TensorRT
from isfp.runtimes.tensorrt_rtx import TensorRTRTX
from tests.sdk.engine_folders import ORIN, write_engine

PYTHON = f"python3.{sys.version_info[1]}"
#: The files of an Orin NX as JetPack 6.2 leaves them, in 25 W.
_JETSON = {
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n# KERNEL_VARIANT: oot\n",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=3 NAME=25W >\n",
    "var/lib/nvpmodel/status": "pmode:0003",
    "proc/meminfo": "MemTotal:       15903000 kB\nMemFree:         900000 kB\nMemAvailable:   12582912 kB\n",
    "usr/local/cuda/bin/nvcc": "",
}


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Give this machine a GPU and packages."""

    def be(*installed, gpu=Gpu("Orin", "87", "12.6", "540.4.0"), plugin=("87",), jetson=False, files=None):  # noqa: B008
        versions = dict(name.split("==") if "==" in name else (name, "1.0") for name in installed)
        modules = set(versions)
        monkeypatch.setattr(doctor, "first_gpu", lambda: gpu)
        monkeypatch.setattr(cuda, "first_gpu", lambda: gpu)
        monkeypatch.setattr(doctor, "find_spec", lambda name: object() if name in modules else None)
        monkeypatch.setattr(CudaPackage, "version", property(lambda package: versions.get(package.name)))
        monkeypatch.setattr(doctor, "find_library", lambda: Path("lib.so") if plugin else None)
        monkeypatch.setattr(doctor, "plugin_architectures", lambda library: list(plugin))
        for name, text in (files if files is not None else _JETSON if jetson else {}).items():
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(jetsons, "_ROOT", tmp_path / "root")
        monkeypatch.setattr(jetsons.shutil, "which", lambda name: None)
        for runtime in (TensorRT, TensorRTRTX):
            missing = None if gpu and runtime.module in modules and cuda.why_unusable() is None else "missing"
            monkeypatch.setattr(runtime, "why_unavailable", classmethod(lambda cls, missing=missing: missing))
            monkeypatch.setattr(runtime, "machine", classmethod(lambda cls: ORIN))
        return doctor.examine()

    return be


def by_name(report):
    return {finding.what: finding for finding in report.findings}


@pytest.mark.parametrize(
    ("modules", "options", "command"),
    [
        ((), {"gpu": None}, "isfp run BUNDLE"),
        ((), {"jetson": True}, "sudo apt install nvidia-jetpack"),
        ((), {}, 'pip install "isfp[rtx]"'),
        (("tensorrt",), {}, 'pip install "isfp[cuda12]"'),
        (("tensorrt",), {"gpu": Gpu("RTX 4090", "89", "13.2", None)}, 'pip install "isfp[cuda13]"'),
        (("tensorrt",), {"gpu": Gpu("RTX 4090", "89", "14.0", None)}, 'pip install "isfp[cuda13]"'),
        (("tensorrt_rtx",), {}, 'pip install "isfp[rtx]"'),
        (("tensorrt", "pycuda"), {}, 'pip install "isfp[cuda12]"'),
        (("tensorrt", "cuda-bindings==13.5.0", "onnx"), {"jetson": True}, 'pip install "isfp[cuda12]"'),
        (("tensorrt", "cuda-bindings==12.9.10", "onnx"), {"jetson": True}, "isfp build BUNDLE --runtime tensorrt"),
        (("tensorrt", "cuda-bindings==13.5.0", "pycuda", "onnx"), {}, "isfp build BUNDLE --runtime tensorrt"),
        (
            ("tensorrt", "pycuda", "onnx"),
            {"jetson": True, "plugin": ()},
            "cmake -S . -B build/plugins -DISFP_CUDA_ARCHITECTURES=87 && ",
        ),
        (("tensorrt", "pycuda", "onnx"), {"jetson": True}, "isfp build BUNDLE --runtime tensorrt --precision fp16"),
        (("tensorrt_rtx", "pycuda", "onnx"), {"jetson": True}, "sudo apt install nvidia-jetpack"),
        (("tensorrt", "pycuda", "onnx"), {"plugin": ()}, "make plugin"),
        (("tensorrt", "pycuda", "onnx"), {"plugin": ("89", "120")}, "make plugin"),
        (("tensorrt", "pycuda", "onnx"), {"plugin": ("72",)}, "make plugin"),
        (("tensorrt", "pycuda", "onnx"), {"plugin": ("120", "72+")}, "isfp build"),
        (("tensorrt", "pycuda", "onnx"), {"plugin": ("86",)}, "isfp build"),
        (("tensorrt", "pycuda", "onnx"), {}, "isfp build BUNDLE --runtime tensorrt --precision fp16"),
        (("tensorrt_rtx", "pycuda", "onnx"), {}, "isfp build BUNDLE --runtime tensorrt-rtx --precision fp16 --target sm87"),
    ],
)
def test_the_next_command_is_the_one_step_that_is_missing(machine, modules, options, command):
    assert machine(*modules, **options).next.startswith(command)


def test_with_a_bundle_whose_engine_fits_the_next_command_runs_it(machine, colour_bundle, tmp_path):
    machine("tensorrt", "pycuda", "onnx")
    copy = Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))
    bundle = Bundle.open(copy)
    report = doctor.examine(bundle)
    assert (report.runtime, report.next) == ("onnxruntime", f"isfp build {copy} --runtime tensorrt --precision fp16")
    write_engine(copy)
    report = doctor.examine(bundle)
    assert report.runtime == "tensorrt"
    assert report.next.startswith(f"isfp run {copy}")


def test_gpu_and_plugin_are_told(machine):
    findings = by_name(machine("tensorrt", "pycuda", "onnx"))
    assert findings["NVIDIA GPU"].found == "Orin, SM 87, driver 540.4.0, runs CUDA up to 12.6"
    assert findings["FPM scan plugin"].found == "lib.so, for SM 87"
    assert findings["FPM scan plugin"].good
    assert not {"JetPack", "Memory", "Power mode"} & set(findings)


def test_a_jetson_tells_its_release_memory_and_power_mode(machine):
    report = machine("tensorrt", "pycuda", jetson=True)
    findings = by_name(report)
    assert (findings["JetPack"].good, findings["JetPack"].found) == (True, "Jetson Linux 36.4.3, JetPack 6")
    assert findings["Memory"].found == "12.0 of 15.2 GiB free, shared by CPU and GPU"
    assert findings["Memory"].remedy == ""
    assert findings["Power mode"].found == "mode 3, 25W"
    assert findings["Power mode"].remedy.endswith("sudo nvpmodel -m 0")
    assert json.dumps(report.to_json())


@pytest.mark.parametrize(
    ("release", "good", "told"),
    [
        ("# R35 (release), REVISION: 4.1, GCID: 1", False, "Jetson Linux 35.4.1, JetPack 5"),
        ("# R38 (release), REVISION: 2.2, GCID: 42205042", True, "Jetson Linux 38.2.2, JetPack 7.0 or 7.1"),
        ("# R39 (release), REVISION: 2.0, GCID: 45755727", True, "Jetson Linux 39.2.0, JetPack 7.2"),
        ("# R41 (release), REVISION: 0.0", True, "Jetson Linux 41.0.0"),
        ("something else", True, "Jetson Linux of an unknown release"),
    ],
)
def test_releases_of_jetson_linux_are_known_by_their_jetpack(machine, release, good, told):
    found = by_name(machine("tensorrt", "pycuda", files={"etc/nv_tegra_release": release}))["JetPack"]
    assert (found.good, found.found) == (good, told)


def test_a_jetpack_too_old_for_tensorrt_runs_on_the_cpu(machine):
    report = machine(files={"etc/nv_tegra_release": "# R35 (release), REVISION: 4.1"})
    assert report.next.startswith("isfp run BUNDLE")
    assert "Flash JetPack 6" in by_name(report)["JetPack"].remedy


@pytest.mark.parametrize(
    ("folder", "prefix", "command"),
    [
        (f"usr/lib/{PYTHON}/dist-packages", "/home/me/.venv", "/usr/bin/python3 -m venv --system-site-packages /home/me/.venv"),
        ("usr/lib/python3.9/dist-packages", "/my env", "/usr/bin/python3 -m venv --clear --system-site-packages '/my env'"),
        (
            f"usr/local/lib/{PYTHON}/dist-packages",
            None,
            "/usr/bin/python3 -m venv --system-site-packages .venv && . .venv/bin/activate",
        ),
    ],
)
def test_tensorrt_that_an_environment_hides_is_told_from_one_that_is_missing(machine, monkeypatch, folder, prefix, command):
    monkeypatch.setattr(jetsons.sys, "prefix", prefix or jetsons.sys.base_prefix)
    report = machine("pycuda", files=_JETSON | {f"{folder}/tensorrt/__init__.py": ""})
    found = by_name(report)["TensorRT"]
    assert (report.next, found.good) == (command, False)
    assert found.found == "JetPack's, which this Python does not see"
    assert found.remedy.endswith(command)


def test_without_the_cuda_toolkit_the_plugin_is_not_asked_for_yet(machine):
    files = {name: text for name, text in _JETSON.items() if not name.endswith("nvcc")}
    assert machine("tensorrt", "pycuda", "onnx", plugin=(), files=files).next == "sudo apt install nvidia-jetpack"


@pytest.mark.parametrize(
    ("installed", "good", "found", "remedy"),
    [
        (
            (),
            False,
            "not installed",
            "cuda-bindings is not installed. pycuda is not installed. Python needs one of them to use the GPU: "
            'pip install "isfp[cuda12]"',
        ),
        (("pycuda==2026.1",), True, "pycuda 2026.1", ""),
        (("cuda-bindings==12.9.10", "pycuda==2026.1"), True, "cuda-bindings 12.9.10", ""),
        (
            ("cuda-bindings==13.5.0", "pycuda==2026.1"),
            True,
            "pycuda 2026.1",
            "cuda-bindings 13.5.0 is made for CUDA 13, and this driver runs CUDA up to 12.6. Install the other: "
            'pip install "isfp[cuda12]"',
        ),
        (
            ("cuda-bindings==13.5.0",),
            False,
            "not usable",
            "cuda-bindings 13.5.0 is made for CUDA 13, and this driver runs CUDA up to 12.6. pycuda is not installed. "
            'Python needs one of them to use the GPU: pip install "isfp[cuda12]"',
        ),
    ],
)
def test_what_gives_python_the_gpu_is_told_and_why_not_the_other(machine, installed, good, found, remedy):
    finding = by_name(machine("tensorrt", *installed))["CUDA for Python"]
    assert (finding.good, finding.found, finding.remedy) == (good, found, remedy)


def test_scarce_memory_is_told_with_what_frees_it(machine):
    report = machine("tensorrt", "pycuda", files=_JETSON | {"proc/meminfo": "MemTotal: 7800000 kB\nMemAvailable: 1048576 kB\n"})
    found = by_name(report)["Memory"]
    assert (found.good, found.found) == (False, "1.0 of 7.4 GiB free, shared by CPU and GPU")
    assert "multi-user.target" in found.remedy


def test_the_fastest_power_mode_is_known_by_name_and_not_by_number(machine):
    conf = "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=25W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
    slow = by_name(machine(files=_JETSON | {"etc/nvpmodel.conf": conf, "var/lib/nvpmodel/status": "pmode:0000"}))["Power mode"]
    fast = by_name(machine(files={"var/lib/nvpmodel/status": "pmode:0002"}))["Power mode"]
    assert slow.remedy.endswith("sudo nvpmodel -m 2")
    assert (fast.found, fast.remedy) == ("mode 2, MAXN_SUPER", "")


def test_a_jetson_whose_files_are_missing_is_still_looked_at(machine):
    findings = by_name(machine(files={"etc/nv_tegra_release": _JETSON["etc/nv_tegra_release"]}))
    assert findings["JetPack"].good
    assert not {"Memory", "Power mode"} & set(findings)


def test_a_jetson_whose_gpu_this_user_cannot_reach_is_told_what_to_do(machine):
    report = machine("tensorrt", jetson=True, gpu=None)
    assert "usermod -aG video,render" in by_name(report)["NVIDIA GPU"].remedy
    assert report.next.startswith("isfp run BUNDLE")


def test_opencv_without_gstreamer_is_told_how_to_get_it(machine, monkeypatch):
    monkeypatch.setattr("isfp.camera.sources.has_gstreamer", lambda: False)
    elsewhere, found = by_name(machine(gpu=None))["OpenCV"], by_name(machine(jetson=True))["OpenCV"]
    assert "numpy" not in elsewhere.remedy
    assert found.remedy == elsewhere.remedy + " and pip install 'numpy<2', which the system's was built for"
    assert found.good
    assert "GStreamer: no" in found.found
    assert "apt install python3-opencv" in found.remedy
    assert "pip uninstall opencv-python" in found.remedy


_R38 = {"etc/nv_tegra_release": "# R38 (release), REVISION: 2.2, GCID: 42205042"}
_LIBRARY = "usr/lib/python3/dist-packages/cv2{}.so"
_OF_JETPACK = _LIBRARY.format("/python-3.10/cv2.cpython-310-aarch64-linux-gnu")


@pytest.mark.parametrize(
    ("files", "numpy_1"),
    [
        (_R38, False),
        (_R38 | {_OF_JETPACK: "ELF numpy.core.multiarray"}, True),
        (_R38 | {_OF_JETPACK: "ELF numpy._core._multiarray_umath numpy.core.multiarray"}, False),
        (_JETSON | {_OF_JETPACK: "ELF numpy._core._multiarray_umath numpy.core.multiarray"}, False),
        ({_LIBRARY.format(".cpython-312-x86_64-linux-gnu"): "ELF numpy.core.multiarray"}, True),
    ],
)
def test_numpy_1_is_advised_only_where_the_system_s_opencv_needs_it(machine, monkeypatch, files, numpy_1):
    monkeypatch.setattr("isfp.camera.sources.has_gstreamer", lambda: False)
    assert ("numpy<2" in by_name(machine(files=files))["OpenCV"].remedy) == numpy_1


def test_a_plugin_for_newer_gpus_alone_is_not_fit(machine):
    findings = by_name(machine("tensorrt", plugin=("120",)))
    assert not findings["FPM scan plugin"].good
    assert "-DISFP_CUDA_ARCHITECTURES=87" in findings["FPM scan plugin"].remedy


def test_device_code_is_read_from_what_cuobjdump_prints(tmp_path, monkeypatch):
    tool = tmp_path / "cuobjdump"
    tool.write_text(
        "#!/bin/sh\ncase $1 in --list-elf) echo 'ELF file    1: a.1.sm_87.cubin'; echo 'ELF file    2: a.2.sm_120.cubin';;\n"
        "*) echo 'PTX file    1: a.3.sm_80.ptx';; esac\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.plugin_architectures(tmp_path / "lib.so") == ["87", "120", "80+"]
