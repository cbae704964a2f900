"""The plugin inside a TensorRT engine on a GPU, against the NumPy reference; skipped where there is none of either."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpm_scan.reference import LEAKY_RELU, TANH, fpm_scan
from isfp.runtimes.plugin import PLUGIN_VARIABLE
from tests.plugins import plugin_builds
from tests.plugins.cuda_driver import Gpu
from tests.plugins.fpm_cases import ALPHA, SLOPE

SIZE = 13
MOST_PHRASES = 8
# Of the largest output: FP16 as in fpm_cases, doubled for the rounding of the matrix instruction's own sums.
TOLERANCE = {"float16": 2e-3, "float32": 2e-5}

pytestmark = [pytest.mark.gpu, pytest.mark.slow]


@pytest.fixture(scope="module")
def gpu() -> Gpu:
    try:
        return Gpu()
    except (OSError, RuntimeError) as error:
        pytest.skip(f"no NVIDIA GPU: {error}")


@pytest.fixture(scope="module")
def trt(gpu: Gpu) -> Any:
    if importlib.util.find_spec("tensorrt") is None:
        pytest.skip("TensorRT's Python package is not installed (JetPack: python3-libnvinfer; else pip install tensorrt)")
    import tensorrt

    if not hasattr(tensorrt, "Builder"):
        pytest.skip("this TensorRT has no builder (lean or dispatch runtime)")
    return tensorrt


@pytest.fixture(scope="module")
def creator(trt: Any) -> Any:
    library = os.environ.get(PLUGIN_VARIABLE)
    if library is None:
        headers = plugin_builds.tensorrt_headers()
        folder = plugin_builds.build("plugins", ("fpm_plugin",), f"-DTENSORRT_INCLUDE_DIR={headers}")
        library = str(folder / "lib" / "libisfp_fpm_scan.so")
    assert Path(library).exists(), f"{library} is not there: run `make plugin`"
    registry = trt.get_plugin_registry()
    registry.load_library(library)
    return registry.get_creator("FPMScan", "1", "isfp")


class Engine:
    """A network of the one node, for 1 to 8 phrases, with its weights as constants, as the exported stage has them."""

    def __init__(self, trt: Any, creator: Any, gpu: Gpu, dtype: type, channels: int, activation: int) -> None:
        self.gpu, self.dtype, self.channels, self.activation = gpu, dtype, channels, activation
        rng = np.random.default_rng(channels)
        self.w1 = (rng.standard_normal((4, channels, channels)) * channels**-0.5).astype(dtype)
        self.w2 = (rng.standard_normal((4, 2, channels, channels)) * channels**-0.5).astype(dtype)
        self._logger = trt.Logger(trt.Logger.WARNING)
        plan = self._build(trt, creator)
        assert plan is not None, "TensorRT did not build the engine; its messages are above"
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        self._context = self._engine.create_execution_context()
        most = MOST_PHRASES * SIZE * SIZE * channels * np.dtype(dtype).itemsize
        self._isf, self._out = gpu.allocate(most), gpu.allocate(most)
        self._context.set_tensor_address("isf", self._isf)
        self._context.set_tensor_address("out", self._out)

    def _build(self, trt: Any, creator: Any) -> Any:
        builder = trt.Builder(self._logger)
        strongly_typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)  # always so from TensorRT 11 on
        network = builder.create_network(0 if strongly_typed is None else 1 << int(strongly_typed))
        number = trt.float16 if self.dtype is np.float16 else trt.float32
        isf = network.add_input("isf", number, (-1, SIZE, SIZE, self.channels))
        weights = [network.add_constant(array.shape, trt.Weights(array)).get_output(0) for array in (self.w1, self.w2)]
        fields = [
            trt.PluginField("alpha", np.array([ALPHA], np.float32), trt.PluginFieldType.FLOAT32),
            trt.PluginField("activation", np.array([self.activation], np.int32), trt.PluginFieldType.INT32),
            trt.PluginField("slope", np.array([SLOPE], np.float32), trt.PluginFieldType.FLOAT32),
        ]
        plugin = creator.create_plugin("scan", trt.PluginFieldCollection(fields), trt.TensorRTPhase.BUILD)
        out = network.add_plugin_v3([isf, *weights], [], plugin).get_output(0)
        out.name = "out"
        network.mark_output(out)
        config = builder.create_builder_config()
        profile = builder.create_optimization_profile()
        profile.set_shape("isf", *((phrases, SIZE, SIZE, self.channels) for phrases in (1, 1, MOST_PHRASES)))
        config.add_optimization_profile(profile)
        return builder.build_serialized_network(network, config)

    def isf_of(self, phrases: int) -> np.ndarray:
        """Random ISFs `[P,S,S,C]`, on the GPU too."""
        isf: np.ndarray = np.random.default_rng(phrases).standard_normal((phrases, SIZE, SIZE, self.channels)).astype(self.dtype)
        self._context.set_input_shape("isf", isf.shape)
        self.gpu.write(self._isf, isf)
        return isf

    def enqueue(self) -> None:
        """Put one inference on the stream."""
        assert self._context.execute_async_v3(self.gpu.stream)

    def spoil(self, phrases: int) -> None:
        """Fill the output with NaN."""
        self.gpu.write(self._out, np.full((phrases, SIZE, SIZE, self.channels), np.nan, self.dtype))

    def out(self, phrases: int) -> np.ndarray:
        """The output `[P,S,S,C]`, after all that is on the stream."""
        return self.gpu.read(self._out, (phrases, SIZE, SIZE, self.channels), self.dtype)


@pytest.fixture(
    scope="module",
    params=[(dtype, channels) for dtype in (np.float16, np.float32) for channels in (64, 100, 128, 256, 512)],
    ids=lambda param: f"{param[0].__name__}-{param[1]}",
)
def engine(request: pytest.FixtureRequest, trt: Any, creator: Any, gpu: Gpu) -> Engine:
    dtype, channels = request.param
    return Engine(trt, creator, gpu, dtype, channels, TANH if channels == 128 else LEAKY_RELU)


@pytest.mark.parametrize("phrases", [1, 3, 8])
def test_engine_equals_the_reference(engine: Engine, phrases: int) -> None:
    isf = engine.isf_of(phrases)
    engine.spoil(phrases)
    engine.enqueue()
    isf, w1, w2 = (array.astype(np.float64) for array in (isf, engine.w1, engine.w2))
    expected = fpm_scan(isf, w1, w2, ALPHA, engine.activation, SLOPE)
    found = engine.out(phrases).astype(np.float64)
    assert np.isfinite(found).all()
    assert np.abs(found - expected).max() <= TOLERANCE[np.dtype(engine.dtype).name] * np.abs(expected).max()


@pytest.mark.parametrize("phrases", [1, 8])
def test_replayed_graph_equals_eager(engine: Engine, gpu: Gpu, phrases: int) -> None:
    engine.isf_of(phrases)
    engine.enqueue()  # before a capture: TensorRT settles what the new shape needs
    eager = engine.out(phrases)
    graph = gpu.capture(engine.enqueue)
    for _ in range(3):
        engine.spoil(phrases)
        gpu.launch(graph)
        np.testing.assert_array_equal(engine.out(phrases), eager)


def test_repeats_are_equal_to_the_bit(engine: Engine) -> None:
    engine.isf_of(2)
    engine.enqueue()
    first = engine.out(2)
    for _ in range(50):
        engine.enqueue()
        np.testing.assert_array_equal(engine.out(2), first)
