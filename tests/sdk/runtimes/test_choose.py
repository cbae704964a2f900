"""Which runtime is taken. What the machine has is set by hand; the engines' records and the choice are the real ones."""

import shutil
import warnings
from pathlib import Path

import pytest

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.engines.gpu import Gpu, first_gpu
from isfp.errors import EngineMismatchError, RuntimeUnavailableError
from isfp.runtimes import choose
from isfp.runtimes.base import Runtime
from isfp.runtimes.tensorrt import TensorRT
from isfp.runtimes.tensorrt_rtx import TensorRTRTX
from tests.sdk.engine_folders import ORIN, write_engine
from tests.sdk.host_device import HostDevice


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))


@pytest.fixture
def orin(monkeypatch):
    """A machine with a GPU and TensorRT."""
    monkeypatch.setattr("isfp.runtimes.first_gpu", lambda: Gpu("Orin", "87", "12.6", "540.4.0"))
    monkeypatch.setattr(TensorRT, "why_unavailable", classmethod(lambda cls: None))
    monkeypatch.setattr(TensorRT, "machine", classmethod(lambda cls: ORIN))
    monkeypatch.setattr(TensorRTRTX, "why_unavailable", classmethod(lambda cls: "It is not installed."))


def test_an_engine_that_fits_is_taken(copy, orin, monkeypatch):
    monkeypatch.setattr(TensorRT, "__init__", lambda self: None)
    write_engine(copy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose("auto", Bundle.open(copy)).name == "tensorrt"


@pytest.mark.parametrize("built", [True, False])
def test_without_an_engine_that_fits_onnx_runtime_is_taken_with_a_warning_that_says_what_to_build(copy, orin, built):
    if built:
        write_engine(copy, sm="89")
    expected = "sm is '89'; expected '87'" if built else "has no tensorrt engine"
    with pytest.warns(RuntimeWarning, match=rf"Runs with onnxruntime.*{expected}.*isfp build .* --runtime tensorrt") as caught:
        segmenter = Segmenter(copy)
    assert segmenter.runtime.name == "onnxruntime"
    assert caught[0].filename == __file__


def test_engines_that_cannot_run_for_want_of_tensorrt_are_named_in_the_warning(copy, orin, monkeypatch):
    monkeypatch.setattr(TensorRT, "why_unavailable", classmethod(lambda cls: "Its Python package is not installed."))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Segmenter(copy)
    write_engine(copy)
    with pytest.warns(RuntimeWarning, match="tensorrt: Its Python package is not installed"):
        Segmenter(copy)


def test_a_tensorrt_that_is_installed_but_cannot_start_is_named_in_the_warning(copy, orin, monkeypatch):
    def fail(self, precision=None):
        raise RuntimeUnavailableError("libnvinfer.so.10 is missing.")

    monkeypatch.setattr(TensorRT, "__init__", fail)
    write_engine(copy)
    with pytest.warns(RuntimeWarning, match=r"libnvinfer\.so\.10 is missing"):
        assert Segmenter(copy).runtime.name == "onnxruntime"


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_without_a_gpu_nothing_is_said(copy):
    write_engine(copy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Segmenter(copy).runtime.name == "onnxruntime"


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-rtx", "tensorrt:int8"])
def test_a_runtime_asked_for_by_name_says_what_is_missing(copy, name):
    with pytest.raises(RuntimeUnavailableError, match="no NVIDIA GPU"):
        Segmenter(copy, runtime=name)


def test_tensorrt_asked_for_by_name_falls_back_to_nothing(copy, orin, monkeypatch):
    monkeypatch.setattr(TensorRT, "_import", classmethod(lambda cls: None))
    monkeypatch.setattr("isfp.runtimes.cuda.open_device", HostDevice)
    write_engine(copy, sm="89")
    with pytest.raises(EngineMismatchError, match="sm is '89'; expected '87'") as caught:
        Segmenter(copy, runtime="tensorrt")
    assert caught.value.field == "sm"
    with pytest.raises(EngineMismatchError, match="no tensorrt engine in int8"):
        Segmenter(copy, runtime="tensorrt:int8")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("onnxruntime:moon", "expected one of: cpu, cuda, tensorrt, tensorrt-rtx"),
        ("warp", "no runtime 'warp'"),
        ("", "no runtime ''"),
    ],
)
def test_names_and_options_that_do_not_exist_are_refused_with_those_that_do(name, message):
    with pytest.raises(RuntimeUnavailableError, match=message):
        choose(name)


def test_an_unknown_precision_is_refused(orin):
    with pytest.raises(RuntimeUnavailableError, match="'bf16'; expected one of fp16, fp8, int8, fp32"):
        choose("tensorrt:bf16")


def test_options_reach_onnx_runtime(colour_bundle):
    runtime = choose("onnxruntime:cpu", Bundle.open(colour_bundle))
    assert isinstance(runtime, Runtime)
    assert runtime.name == "onnxruntime"
