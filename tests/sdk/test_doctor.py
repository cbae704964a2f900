"""What the doctor says of machines that are not this one: what they have is set by hand."""

import json
import shutil
from pathlib import Path

import pytest
from engine_folders import ORIN, write_engine

from isfp import doctor
from isfp.bundle import Bundle
from isfp.gpu import Gpu
from isfp.runtimes.tensorrt import TensorRT
from isfp.runtimes.tensorrt_rtx import TensorRTRTX


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Give this machine a GPU and packages."""

    def be(*modules, gpu=Gpu("Orin", "87", "12.6", "540.4.0"), plugin=("87",), jetson=False):  # noqa: B008
        monkeypatch.setattr(doctor, "first_gpu", lambda: gpu)
        monkeypatch.setattr(doctor, "find_spec", lambda name: object() if name in modules else None)
        monkeypatch.setattr(doctor, "find_library", lambda: Path("lib.so") if plugin else None)
        monkeypatch.setattr(doctor, "plugin_architectures", lambda library: list(plugin))
        release = tmp_path / "nv_tegra_release"
        if jetson:
            release.write_text("# R36 (release), REVISION: 4.3\nmore")
        monkeypatch.setattr(doctor, "_JETSON", release)
        for runtime in (TensorRT, TensorRTRTX):
            missing = None if gpu and runtime.module in modules and "pycuda" in modules else "missing"
            monkeypatch.setattr(runtime, "missing", classmethod(lambda cls, missing=missing: missing))
            monkeypatch.setattr(runtime, "machine", classmethod(lambda cls: ORIN))
        return doctor.examine()

    return be


@pytest.mark.parametrize(
    ("modules", "options", "command"),
    [
        ((), {"gpu": None}, "isfp run BUNDLE"),
        ((), {"jetson": True}, "sudo apt install nvidia-jetpack"),
        ((), {}, 'pip install "isfp[rtx]"'),
        (("tensorrt",), {}, "pip install pycuda"),
        (("tensorrt_rtx",), {}, "pip install pycuda"),
        (("tensorrt", "pycuda"), {"plugin": ()}, "make plugin"),
        (("tensorrt", "pycuda"), {"plugin": ("89", "120")}, "make plugin"),
        (("tensorrt", "pycuda"), {"plugin": ("72",)}, "make plugin"),
        (("tensorrt", "pycuda"), {"plugin": ("120", "72+")}, "isfp build"),
        (("tensorrt", "pycuda"), {"plugin": ("86",)}, "isfp build"),
        (("tensorrt", "pycuda"), {}, "isfp build BUNDLE --runtime tensorrt --precision fp16"),
        (("tensorrt_rtx", "pycuda"), {}, "isfp build BUNDLE --runtime tensorrt-rtx --precision fp16 --target sm87"),
    ],
)
def test_the_next_command_is_the_one_step_that_is_missing(machine, modules, options, command):
    assert machine(*modules, **options)["next"].startswith(command)


def test_with_a_bundle_whose_engine_fits_the_next_command_runs_it(machine, colour_bundle, tmp_path):
    machine("tensorrt", "pycuda")
    copy = Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))
    bundle = Bundle.open(copy)
    report = doctor.examine(bundle)
    assert (report["runtime"], report["next"]) == ("onnxruntime", f"isfp build {copy} --runtime tensorrt --precision fp16")
    write_engine(copy)
    report = doctor.examine(bundle)
    assert report["runtime"] == "tensorrt"
    assert report["next"].startswith(f"isfp run {copy}")


def test_gpu_jetpack_and_plugin_are_told(machine):
    findings = {finding["what"]: finding for finding in machine("tensorrt", "pycuda", jetson=True)["findings"]}
    assert findings["NVIDIA GPU"]["found"] == "Orin, SM 87, driver 540.4.0, runs CUDA up to 12.6; R36 (release), REVISION: 4.3"
    assert findings["FPM scan plugin"]["found"] == "lib.so, for SM 87"
    assert findings["FPM scan plugin"]["good"]
    assert json.dumps(findings)


def test_a_plugin_for_newer_gpus_alone_is_not_fit(machine):
    findings = {finding["what"]: finding for finding in machine("tensorrt", plugin=("120",))["findings"]}
    assert not findings["FPM scan plugin"]["good"]
    assert "-DISFP_CUDA_ARCHITECTURES=87" in findings["FPM scan plugin"]["remedy"]


def test_device_code_is_read_from_what_cuobjdump_prints(tmp_path, monkeypatch):
    tool = tmp_path / "cuobjdump"
    tool.write_text(
        "#!/bin/sh\ncase $1 in --list-elf) echo 'ELF file    1: a.1.sm_87.cubin'; echo 'ELF file    2: a.2.sm_120.cubin';;\n"
        "*) echo 'PTX file    1: a.3.sm_80.ptx';; esac\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.plugin_architectures(tmp_path / "lib.so") == ["87", "120", "80+"]
