"""The SDK's device and stages with a real kernel in them: on each GPU interface that is here, and on a device of host memory.

On a GPU, `make gpu-check` builds the kernel's library and names it in ISFP_SCAN_LIBRARY; nothing of TensorRT is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from isfp.runtimes.cuda import PACKAGES
from isfp.runtimes.device import CaptureError, Device
from isfp.runtimes.engine_stage import EngineStage
from tests.gpu.scan_execution import MOST, TOLERANCE, ScanExecution, scan_buffers, scan_expected, scan_inputs
from tests.paths import ROOT
from tests.plugins.plugin_builds import plugin_build
from tests.sdk.host_device import HostDevice

VARIABLE = "ISFP_SCAN_LIBRARY"
FRAMES = 1000

pytestmark = pytest.mark.slow


GPU_PACKAGES = {package.name: package for package in PACKAGES}


def open_device(name: str) -> Device:
    """Host memory, or the GPU through one of the packages."""
    return HostDevice() if name == "host" else GPU_PACKAGES[name].open()


@pytest.fixture(scope="module", params=["host", *(pytest.param(name, marks=pytest.mark.gpu) for name in GPU_PACKAGES)])
def through(request: pytest.FixtureRequest) -> str:
    """What the device is used through."""
    if request.param != "host":
        if VARIABLE not in os.environ:
            pytest.skip(f"{VARIABLE} names no library: make gpu-check")
        if reason := GPU_PACKAGES[request.param].why_unusable():
            pytest.skip(reason)
    elif VARIABLE in os.environ:
        pytest.skip("the GPU itself is tested")
    return request.param


@pytest.fixture(scope="module")
def library(through: str) -> Path:
    if through != "host":
        return Path(os.environ[VARIABLE])
    return plugin_build("plugins-cpu") / "lib" / "libfpm_scan_library_on_host.so"


@pytest.fixture
def device(through: str) -> Iterator[Device]:
    device = open_device(through)
    yield device
    device.close()


@pytest.fixture
def stage(library: Path, device: Device) -> EngineStage:
    return make_stage(library, device)


def make_stage(library: Path, device: Device) -> EngineStage:
    with device:
        return EngineStage(scan_buffers(), device, ScanExecution(library, device))


def hold(stage: EngineStage, phrases: int, seed: int = 0) -> np.ndarray:
    """Run the stage; its output is right, and is returned."""
    inputs = scan_inputs(phrases, seed)
    expected = scan_expected(inputs)
    found = np.array(stage(**inputs)["out"])
    assert np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max()
    return found


@pytest.mark.parametrize("phrases", [1, 3, MOST, MOST + 3])
def test_a_stage_equals_the_reference(stage: EngineStage, phrases: int) -> None:
    hold(stage, phrases)


def test_a_replayed_graph_equals_eager_and_follows_the_inputs(stage: EngineStage) -> None:
    first = hold(stage, 2)
    for _ in range(3):
        np.testing.assert_array_equal(hold(stage, 2), first)
    assert stage.replayed == 2
    hold(stage, 2, seed=1)
    assert stage.replayed == 3


def test_shapes_that_change_drop_their_graph_and_come_back_right(stage: EngineStage) -> None:
    for phrases in (1, 1, 1, 3, 3, 3, 1, 1, 1, 2):
        hold(stage, phrases)
    assert stage.replayed == 3


def test_a_thousand_frames_are_equal(stage: EngineStage, library: Path) -> None:
    inputs = scan_inputs(1)
    first = np.array(stage(**inputs)["out"])
    for _ in range(FRAMES if "on_host" not in library.name else 5):
        np.testing.assert_array_equal(stage(**inputs)["out"], first)


def test_a_stage_runs_from_other_threads(stage: EngineStage) -> None:
    first = hold(stage, 1)
    found: list[np.ndarray] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: found.append(hold(stage, 1)))
        thread.start()
        thread.join()
    assert len(found) == 3
    for other in found:
        np.testing.assert_array_equal(other, first)


def test_devices_of_two_threads_run_at_once(library: Path, device: Device) -> None:
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            other = type(device)()
            try:
                stage = make_stage(library, other)
                for _ in range(5):
                    hold(stage, 1, seed)
            finally:
                other.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_capture_that_fails_leaves_the_stream_usable(stage: EngineStage, device: Device) -> None:
    def work() -> None:
        raise RuntimeError("not capturable")

    with device, pytest.raises((CaptureError, RuntimeError), match="not capturable"):
        device.capture(work)
    hold(stage, 1)


def test_a_device_that_was_closed_says_so_and_another_runs(library: Path, device: Device) -> None:
    hold(make_stage(library, device), 1)
    device.close()
    device.close()
    again = type(device)()
    hold(make_stage(library, again), 1)
    again.close()


def test_what_is_still_open_when_the_process_ends_ends_quietly(through: str, library: Path) -> None:
    program = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "plugins")!r}, {str(ROOT / "sdk")!r}]
from pathlib import Path
from tests.gpu.test_device import *
library = Path({str(library)!r})
device = open_device({through!r})
stage = make_stage(library, device)
for _ in range(4):
    hold(stage, 1)
assert stage.replayed == 2
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.gpu
def test_pytorch_in_the_same_process_is_not_disturbed(stage: EngineStage, library: Path) -> None:
    torch = pytest.importorskip("torch")
    if "on_host" in library.name or not torch.cuda.is_available():
        pytest.skip("PyTorch cannot use a GPU here")
    for seed in range(3):
        value = torch.full((64, 64), 2.0, device="cuda")
        hold(stage, 1, seed)
        assert (value @ value).sum().item() == 64 * 64 * 64 * 4
    hold(stage, 1)
