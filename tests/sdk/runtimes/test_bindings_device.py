"""The GPU through the real cuda-bindings: on a driver of host memory, which says what was called, and with no driver at all."""

from __future__ import annotations

import pytest

from isfp.engines.gpu import first_gpu
from isfp.errors import RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes import cuda
from isfp.runtimes.device import DeviceError
from tests.sdk.runtimes.host_driver import HostDriver, needs_cuda_bindings

#: A stage whose engine adds one to its input, on the stream.
STAGE = """
import ctypes
import logging
import threading
import numpy as np
from isfp.bundle.manifest import Stage, Tensor
from isfp.engines.record import Span
from isfp.errors import RuntimeFailedError
from isfp.runtimes.bindings_device import BindingsDevice
from isfp.runtimes.buffers import stage_buffers
from isfp.runtimes.device import CaptureError, DeviceArray, DeviceError
from isfp.runtimes.engine_stage import EngineStage, Execution

logging.basicConfig(format="%(message)s")
driver = ctypes.CDLL("libcuda.so.1")
driver.isfp_add_one.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]

class AddOne(Execution):
    def __init__(self):
        self.addresses = {}
    def set_shape(self, name, shape):
        self.count = int(np.prod(shape))
    def set_address(self, name, address):
        self.addresses[name] = address
    def enqueue(self, stream):
        assert driver.isfp_add_one(self.addresses["out"], self.addresses["in"], self.count, stream) == 0

def stage_of(axis):
    sizes = (axis, 4)
    tensors = [(Tensor(name, "float32", sizes),) for name in ("in", "out")]
    return EngineStage(stage_buffers(Stage("add", "add.onnx", *tensors), Span(1, 1, 3), Span(1, 1, 1)), device, AddOne())

def hold(stage, phrases=2, start=0.0):
    value = np.arange(phrases * 4, dtype=np.float32).reshape(phrases, 4) + np.float32(start)
    np.testing.assert_array_equal(stage(**{"in": value})["out"], value + 1)

device = BindingsDevice()
stage = stage_of("P")
"""

FRAME = ["cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuStreamSynchronize", "cuCtxPopCurrent_v2"]
REPLAY = ["cuCtxPushCurrent_v2", "cuGraphLaunch", "cuStreamSynchronize", "cuCtxPopCurrent_v2"]
CAPTURE = [
    "cuStreamBeginCapture_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuStreamEndCapture",
    "cuGraphInstantiateWithFlags",
    "cuGraphDestroy",
]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> HostDriver:
    needs_cuda_bindings()
    return HostDriver(tmp_path_factory.mktemp("driver"))


def times(calls: list[str], part: list[str]) -> int:
    """How often the calls occur in this order, one after the other."""
    return sum(calls[start : start + len(part)] == part for start in range(len(calls)))


def test_a_stage_is_uploaded_run_and_downloaded_then_captured_then_replayed(driver: HostDriver) -> None:
    ran = driver.run(STAGE + "for number in range(4): hold(stage, start=number)\nprint(stage.replayed)")
    assert ran.printed == "2\n"
    assert times(ran.calls, FRAME) == 1
    assert times(ran.calls, [*FRAME[:3], *CAPTURE, "cuStreamSynchronize", "cuCtxPopCurrent_v2"]) == 1
    assert times(ran.calls, REPLAY) == 2
    assert ran.calls[:6] == [
        "cuInit",
        "cuDevicePrimaryCtxRetain",
        "cuCtxPushCurrent_v2",
        "cuStreamCreate",
        "cuCtxPopCurrent_v2",
        "cuCtxPushCurrent_v2",
    ]


def test_a_shape_that_changes_frees_its_graph_after_the_stream_was_waited_for(driver: HostDriver) -> None:
    ran = driver.run(STAGE + "for phrases in (1, 1, 1, 3, 3, 3, 1, 2): hold(stage, phrases)\nprint(stage.replayed)")
    assert ran.printed == "2\n"
    assert times(ran.calls, ["cuStreamSynchronize", "cuGraphExecDestroy", "cuMemcpyHtoDAsync_v2"]) == 2


def test_maps_stay_on_the_device_until_they_are_read(driver: HostDriver) -> None:
    program = """
fixed = stage_of(2)
value = np.ones((2, 4), np.float32)
kept = fixed(**{"in": value})["out"]
assert isinstance(kept, DeviceArray)
found = stage(**{"in": kept})["out"]
np.testing.assert_array_equal(found, value + 2)
np.testing.assert_array_equal(kept, value + 1)
"""
    ran = driver.run(STAGE + program)
    assert ran.calls.count("cuMemcpyHtoDAsync_v2") == 1
    assert times(ran.calls, ["cuCtxPushCurrent_v2", "cuStreamSynchronize", "cuMemcpyDtoH_v2", "cuCtxPopCurrent_v2"]) == 1


def test_closing_gives_everything_back_and_arrays_on_the_host_outlive_it(driver: HostDriver) -> None:
    program = """
with device:
    kept = device.allocate_host(5)
    empty = device.allocate(0)
for _ in range(3): hold(stage)
with device:
    print(device.time(lambda: None) >= 0)
device.close()
device.close()
try:
    hold(stage)
except RuntimeFailedError as error:
    print(error)
del stage
kept[:] = 7
print(driver.isfp_alive())
part = kept[1:]
del kept
print(driver.isfp_alive())
del part
print(driver.isfp_alive())
"""
    ran = driver.run(STAGE + program)
    lines = ran.printed.splitlines()
    assert lines[0] == "True"
    assert lines[1] == "The GPU was released because its Segmenter was closed. Make a new Segmenter."
    assert lines[2:] == ["1", "1", "0"]
    assert ran.calls.count("cuCtxPushCurrent_v2") == ran.calls.count("cuCtxPopCurrent_v2")
    assert ran.calls.count("cuMemAlloc_v2") == ran.calls.count("cuMemFree_v2") == 3


def test_what_is_still_open_when_the_process_ends_ends_quietly(driver: HostDriver) -> None:
    ran = driver.run(STAGE + "for _ in range(4): hold(stage)")
    assert ran.said == ""
    assert "cuMemFreeHost" not in ran.calls  # work on the stream may still use it


def test_mapped_memory_is_the_hosts_and_is_held_until_the_device_is_closed(driver: HostDriver) -> None:
    program = """
print(device.shares_memory)
with device:
    values, address = device.allocate_mapped(6)
    empty, _ = device.allocate_mapped(0)
values[:] = 3
print(list((ctypes.c_uint8 * 6).from_address(address)), empty.size)
del values, empty
print(driver.isfp_alive())
device.close()
print(driver.isfp_alive())
"""
    ran = driver.run(STAGE + program, ISFP_DRIVER_INTEGRATED="1")
    assert ran.printed.splitlines() == ["True", "[3, 3, 3, 3, 3, 3] 0", "3", "0"]
    assert driver.run(STAGE + "print(device.shares_memory)").printed == "False\n"


def test_the_work_of_a_stage_is_timed_between_two_events(driver: HostDriver) -> None:
    ran = driver.run(STAGE + "with device: print(device.time(lambda: hold(stage)) >= 0)")
    assert ran.printed == "True\n"
    assert times(ran.calls, ["cuEventSynchronize", "cuEventElapsedTime", "cuEventDestroy_v2", "cuEventDestroy_v2"]) == 1


def test_another_thread_may_run_a_stage(driver: HostDriver) -> None:
    driver.run(STAGE + "t = threading.Thread(target=hold, args=(stage,))\nt.start()\nt.join()\nhold(stage)")


def test_a_capture_that_fails_leaves_the_stream_usable(driver: HostDriver) -> None:
    program = """
def fail():
    raise ValueError("not capturable")
for work in (fail, device.wait):
    with device:
        try:
            device.capture(work)
        except CaptureError as error:
            print(error)
hold(stage)
"""
    ran = driver.run(STAGE + program)
    first, second = ran.printed.splitlines()
    assert first == "not capturable"
    assert second.startswith("cuStreamSynchronize failed: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")
    assert times(ran.calls, ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphDestroy", "cuCtxPopCurrent_v2"]) == 1


@pytest.mark.parametrize("call", ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags"])
def test_a_stage_that_the_driver_does_not_capture_runs_without_a_graph_and_says_why(driver: HostDriver, call: str) -> None:
    ran = driver.run(STAGE + "for _ in range(4): hold(stage)\nprint(stage.replayed)", ISFP_DRIVER_FAIL=f"{call}:801")
    assert ran.printed == "0\n"
    assert ran.said.count("The stage 'add' runs without a CUDA graph: cu") == 1
    assert "failed: CUDA_ERROR_NOT_SUPPORTED (some reason)" in ran.said


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("cuMemAlloc_v2:2", "cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)"),
        ("cuMemHostAlloc:2", "cuMemHostAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)"),
        ("cuStreamSynchronize:700", "cuStreamSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS (some reason)"),
    ],
)
def test_an_error_of_the_driver_names_the_stage_the_call_and_the_reason(driver: HostDriver, failure: str, reason: str) -> None:
    program = "try: hold(stage)\nexcept RuntimeFailedError as error: print(error)\ndevice.close()"
    printed = driver.run(STAGE + program, ISFP_DRIVER_FAIL=failure).printed
    assert printed == f"The stage 'add' failed on {{'in': [2, 4]}}: {reason}\n"


def test_a_machine_whose_driver_is_not_the_packages_is_told_what_to_install(driver: HostDriver) -> None:
    made_for = str(cuda.BINDINGS.version).partition(".")[0]
    program = "from isfp.runtimes import cuda; print(cuda.BINDINGS.why_unusable())"
    assert driver.run(program, ISFP_DRIVER_CUDA=f"{made_for}000").printed == "None\n"
    assert driver.run(program, ISFP_DRIVER_CUDA="14020").printed == "None\n"
    older = driver.run(program, ISFP_DRIVER_CUDA="11040").printed
    assert f"is made for CUDA {made_for}, and this driver runs CUDA up to 11.4" in older


def test_without_a_driver_the_error_is_typed_and_names_every_package() -> None:
    needs_cuda_bindings()
    if first_gpu() is not None:
        pytest.skip("this machine has a GPU")
    from isfp.runtimes.bindings_device import BindingsDevice

    with pytest.raises(DeviceError, match=r"^cuInit cannot be called: .*driver") as caught:
        BindingsDevice()
    assert isinstance(caught.value, RuntimeFailedError)
    with pytest.raises(RuntimeUnavailableError, match=r"cuda-bindings \d.* cannot take the GPU: cuInit.* pycuda .*isfp doctor"):
        cuda.open_device()
