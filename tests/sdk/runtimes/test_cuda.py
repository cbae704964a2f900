"""Which package the GPU is used through: the packages that are installed, and the devices that they open, are set by hand."""

from __future__ import annotations

import logging

import pytest

from isfp.engines.gpu import Gpu
from isfp.errors import RuntimeUnavailableError
from isfp.runtimes import cuda
from isfp.runtimes.cuda import BINDINGS, PYCUDA, CudaPackage
from isfp.runtimes.device import Device, DeviceError
from tests.sdk.host_device import HostDevice

ORIN = Gpu("Orin", "87", "12.6", "540.4.0", 16)


class Machine:
    """The packages that this machine has, and what opening each does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.versions: dict[str, str] = {}
        self.failures: dict[str, Exception] = {}
        self.opened: list[str] = []
        monkeypatch.setattr(cuda, "first_gpu", lambda: ORIN)
        monkeypatch.setattr(CudaPackage, "version", property(lambda package: self.versions.get(package.name)))
        monkeypatch.setattr(CudaPackage, "open", lambda package: self.open(package))

    def open(self, package: CudaPackage) -> Device:
        self.opened.append(package.name)
        if package.name in self.failures:
            raise self.failures[package.name]
        return HostDevice()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_cuda_bindings_are_tried_first_and_pycuda_is_left_alone(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    machine.versions = {"cuda-bindings": "12.9.10", "pycuda": "2026.1"}
    assert isinstance(cuda.open_device(), HostDevice)
    assert machine.opened == ["cuda-bindings"]
    assert cuda.why_unusable() is None
    assert not caplog.records


def test_pycuda_alone_is_used_without_a_word(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    machine.versions = {"pycuda": "2026.1"}
    cuda.open_device()
    assert machine.opened == ["pycuda"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("version", "failure", "reason"),
    [
        ("13.5.0", None, "cuda-bindings 13.5.0 is made for CUDA 13, and this driver runs CUDA up to 12.6."),
        ("11.8.7", None, "cuda-bindings 11.8.7 is made for CUDA 11, and this driver runs CUDA up to 12.6."),
        ("12.9.10", DeviceError("cuInit cannot be called."), "cuda-bindings 12.9.10 cannot take the GPU: cuInit cannot be called."),
        ("12.9.10", ImportError("no symbol"), "cuda-bindings 12.9.10 cannot take the GPU: no symbol."),
    ],
)
def test_pycuda_is_used_where_cuda_bindings_cannot_be_and_the_log_says_why(
    machine: Machine, caplog: pytest.LogCaptureFixture, version: str, failure: Exception | None, reason: str
) -> None:
    machine.versions = {"cuda-bindings": version, "pycuda": "2026.1"}
    machine.failures = {"cuda-bindings": failure} if failure else {}
    with caplog.at_level(logging.WARNING, "isfp"):
        cuda.open_device()
    assert machine.opened[-1] == "pycuda"
    assert [record.getMessage() for record in caplog.records] == [f"The GPU is used through pycuda. {reason}"]


def test_where_neither_can_the_error_has_both_reasons_and_the_next_command(machine: Machine) -> None:
    machine.versions = {"cuda-bindings": "12.9.10", "pycuda": "2026.1"}
    machine.failures = {"cuda-bindings": DeviceError("no device"), "pycuda": RuntimeError("libcurand.so.10 is missing")}
    with pytest.raises(RuntimeUnavailableError) as caught:
        cuda.open_device()
    assert str(caught.value) == (
        "cuda-bindings 12.9.10 cannot take the GPU: no device. pycuda 2026.1 cannot take the GPU: libcurand.so.10 is missing. "
        "Look at this machine: isfp doctor"
    )


def test_what_a_driver_runs_decides_which_cuda_bindings_are_asked_for(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for runs, extra in (("11.4", "cuda12"), ("12.6", "cuda12"), ("13.0", "cuda13"), ("14.1", "cuda13")):
        monkeypatch.setattr(cuda, "first_gpu", lambda runs=runs: Gpu("Orin", "87", runs, None))
        assert cuda.extra() == extra
        assert f'pip install "isfp[{extra}]"' in str(cuda.why_unusable())


def test_a_version_that_is_not_known_is_taken(machine: Machine) -> None:
    machine.versions = {"cuda-bindings": ""}
    assert BINDINGS.why_unusable() is None


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "find_spec", lambda module: None)
    assert PYCUDA.version is None

    def missing_parent(module: str) -> None:
        raise ModuleNotFoundError(module)

    monkeypatch.setattr(cuda, "find_spec", missing_parent)
    assert BINDINGS.version is None
