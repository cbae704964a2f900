"""What `Runtime.load` promises holds for every runtime: stages loaded once, one bundle, an error once it is closed."""

import shutil

import numpy as np
import pytest

from isfp.bundle.bundle import Bundle
from isfp.errors import RuntimeFailedError
from isfp.runtimes.onnxruntime import OnnxRuntime
from isfp.runtimes.openvino import OpenVino
from isfp.runtimes.tensorrt import TensorRT
from tests.sdk.colour_bundle import HEIGHT, WIDTH
from tests.sdk.engine_folders import write_engine
from tests.sdk.host_device import HostRuntime
from tests.sdk.runtimes.host_tensorrt import play_tensorrt

FRAME = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(params=["onnxruntime", "openvino", "device memory", "tensorrt"])
def loading(request, colour_bundle, tmp_path, monkeypatch):
    """A runtime and the bundle that it loads."""
    path = shutil.copytree(colour_bundle, tmp_path / "copy.isfp")
    if request.param == "tensorrt":
        play_tensorrt(monkeypatch, path)
        write_engine(path, plugin_version=None)
    if request.param == "openvino":
        pytest.importorskip("openvino", reason='OpenVINO is not installed: pip install "isfp[openvino]"')
    runtimes = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "device memory": HostRuntime, "tensorrt": TensorRT}
    runtime = runtimes[request.param]()
    yield runtime, Bundle.open(path)
    runtime.close()


def test_a_stage_is_loaded_once(loading):
    runtime, bundle = loading
    image = runtime.load(bundle, "image")
    before = image(frame=FRAME)
    assert runtime.load(bundle, "image") is image
    assert runtime.load(Bundle.open(bundle.path), "image") is image
    np.testing.assert_array_equal(np.asarray(before["visual_large"]), np.asarray(image(frame=FRAME)["visual_large"]))


def test_loading_again_allocates_nothing(loading):
    runtime, bundle = loading
    if isinstance(runtime, OnnxRuntime | OpenVino):
        pytest.skip(f"{runtime.name} allocates by itself")
    for _ in range(2):
        runtime.load(bundle, "image")(frame=FRAME)
    before = list(runtime.device.allocations), list(runtime.device.host_allocations)
    for _ in range(3):
        runtime.load(bundle, "image")(frame=FRAME)
    assert (runtime.device.allocations, runtime.device.host_allocations) == before


def test_another_bundle_is_refused(loading, tmp_path):
    runtime, bundle = loading
    runtime.load(bundle, "image")
    other = Bundle.open(shutil.copytree(bundle.path, tmp_path / "other.isfp"))
    with pytest.raises(RuntimeFailedError, match=r"holds stages of .*copy\.isfp .*other\.isfp; a runtime serves one bundle"):
        runtime.load(other, "text")


def test_a_closed_runtime_loads_and_runs_nothing(loading):
    runtime, bundle = loading
    image = runtime.load(bundle, "image")
    runtime.close()
    runtime.close()
    for use in (lambda: image(frame=FRAME), lambda: runtime.load(bundle, "image")):
        with pytest.raises(RuntimeFailedError, match="was closed. Make a new Segmenter"):
            use()
