"""The built plugin: what TensorRT asks of it before a GPU is needed, in C++ and through a real TensorRT's registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from isfp.engines.gpu import first_gpu
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


def test_letterbox_and_masks_on_a_cuda_runtime_of_host_threads_are_right_and_stay_in_their_memory(checked_folder: Path) -> None:
    done = subprocess.run([str(checked_folder / "bin" / "frame_launch_test")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("every step of a frame holds\n")


def test_plugin_without_tensorrt_on_host_threads_is_right_and_stays_in_its_memory(checked_folder: Path) -> None:
    library = checked_folder / "lib" / "libfpm_plugin_on_host.so"
    command = [str(checked_folder / "bin" / "fpm_enqueue_test_on_host"), str(library), "few"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("holds beside another context") == 8
    assert "FAILS" not in done.stdout


def test_benchmark_prints_a_line_for_each_launch(plugin_folder: Path) -> None:
    done = subprocess.run([str(plugin_folder / "bin" / "fpm_launch_bench"), "few"], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    launches = [("fast", 64, True), ("fast", 32, False), ("slower", 64, False)]
    assert [(row["numbers"], row["path"], row["slice"], row["chosen"]) for row in rows] == [
        (numbers, *launch) for numbers in ("FP16", "FP32") for launch in launches
    ]
    assert all(0 < least <= median <= most for row in rows for least, median, most in (row["eager_us"], row["graph_us"]))


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


@pytest.mark.parametrize("program", ["fpm_device_test", "fpm_device_bench", "fpm_enqueue_test", "frame_device_test"])
@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_without_a_gpu_programs_for_one_say_so(plugin_folder: Path, program: str) -> None:
    words = [str(plugin_folder / LIBRARY)] if program == "fpm_enqueue_test" else []
    done = subprocess.run([str(plugin_folder / "bin" / program), *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout[:6]) == (77, "no GPU")


@pytest.mark.parametrize(
    ("status", "driver", "code"),
    [
        (100, 12060, 77),  # cudaErrorNoDevice
        (35, 0, 77),  # cudaErrorInsufficientDriver: none is installed
        (35, 11040, 1),  # the driver is too old
        (3, 12060, 1),  # cudaErrorInitializationError
        (802, 12060, 1),  # cudaErrorSystemNotReady
    ],
)
def test_only_a_machine_without_a_gpu_or_a_driver_is_skipped(plugin_folder: Path, status: int, driver: int, code: int) -> None:
    environment = {**os.environ, "CUDA_ON_HOST_FAILS": str(status), "CUDA_ON_HOST_DRIVER": str(driver)}
    done = subprocess.run([str(plugin_folder / "bin" / "fpm_launch_test")], capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stdout
