"""The built plugin: what TensorRT asks of it before a GPU is needed, in C++ and through a real TensorRT's registry."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins import plugin_builds

PROBE = Path(__file__).parent / "registry_probe.py"
LIBRARY = Path("lib") / "libisfp_fpm_scan.so"
INTERFACE_TEST = Path("bin") / "fpm_plugin_test"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def registered(plugin_folder: Path, tensorrt_python: tuple[str, dict[str, str]]) -> dict:
    """What registry_probe.py found, in a process of its own."""
    module, environment = tensorrt_python
    command = [sys.executable, str(PROBE), module, str(plugin_folder / LIBRARY)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_registry_of_tensorrt_finds_the_creator(registered: dict) -> None:
    assert registered["creator"] == ["FPMScan", "1", "isfp"]
    assert registered["fields"] == [["alpha", "FLOAT32"], ["activation", "INT32"], ["slope", "FLOAT32"]]


def test_registry_does_not_know_it_before_the_library_is_loaded(registered: dict) -> None:
    assert registered["before"] is False


def test_plugin_made_through_the_registry_has_its_capabilities(registered: dict) -> None:
    assert registered["capabilities"] == ["PLUGIN_V3ONE_CORE", "PLUGIN_V3ONE_BUILD", "PLUGIN_V3ONE_RUNTIME"]
    assert registered["core"] == ["FPMScan", "1", "isfp"]
    assert registered["outputs"] == 1


def test_registry_refuses_wrong_attributes(registered: dict) -> None:
    assert registered["refused"] == {"missing slope": True, "activation 7": True, "unknown beta": True}


def test_interfaces_hold_in_cpp(plugin_folder: Path) -> None:
    command = [str(plugin_folder / INTERFACE_TEST), str(plugin_folder / LIBRARY)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def checked_folder() -> Path:
    return plugin_builds.plugin_build("plugins-cpu-address", "-DISFP_SANITIZE=address")


def test_launches_on_a_cuda_runtime_of_host_threads_are_right_and_stay_in_their_memory(checked_folder: Path) -> None:
    done = subprocess.run([str(checked_folder / "bin" / "fpm_launch_test"), "few"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("every scan holds\n")


def test_interfaces_are_clean_under_address_sanitizer(checked_folder: Path) -> None:
    command = [str(checked_folder / INTERFACE_TEST), str(checked_folder / LIBRARY)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_library_needs_nothing_of_tensorrt_or_cuda_and_shows_only_its_two_functions(plugin_folder: Path) -> None:
    needed = subprocess.run(
        ["readelf", "--dynamic", str(plugin_folder / LIBRARY)], capture_output=True, text=True, check=True
    ).stdout
    assert "nvinfer" not in needed
    assert "cudart" not in needed
    shown = subprocess.run(
        ["nm", "-D", "--defined-only", str(plugin_folder / LIBRARY)], capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[2] for line in shown.splitlines() if line.split()[1] == "T"} == {
        "getCreators",
        "setLoggerFinder",
    }


def test_device_test_says_that_it_needs_a_gpu_or_passes(plugin_folder: Path) -> None:
    done = subprocess.run([str(plugin_folder / "bin" / "fpm_device_test")], capture_output=True, text=True)
    assert done.returncode == 0 or (done.returncode == 77 and done.stdout.startswith("no GPU")), done.stdout
