"""What TensorRT says when it fails, heard from the real TensorRT-RTX, which starts without a GPU."""

import pytest

from isfp.bundle.manifest import Stage, Tensor
from isfp.engines.record import Span
from isfp.errors import EngineMismatchError, RuntimeFailedError
from isfp.runtimes.buffers import stage_buffers
from isfp.runtimes.plan_engine import PlanExecution, binding_types, check, deserialize, messages_of

trt = pytest.importorskip("tensorrt_rtx")


@pytest.fixture(scope="module")
def small_plan():
    """A real plan of one addition, built here for SM 89."""
    builder = trt.Builder(messages_of(trt).logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    a = network.add_input("a", trt.float32, (-1, 4))
    total = network.add_elementwise(a, a, trt.ElementWiseOperation.SUM)
    total.get_output(0).name = "out"
    network.mark_output(total.get_output(0))
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    profile.set_shape("a", (1, 4), (1, 4), (8, 4))
    config.add_optimization_profile(profile)
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    return bytes(builder.build_serialized_network(network, config))


# What the SDK calls, by the class that has it. tests/sdk/runtimes/test_plugin.py asks the same of the lean TensorRT.
CALLS = {
    "Runtime": ["deserialize_cuda_engine"],
    "ICudaEngine": [
        "num_io_tensors",
        "get_tensor_name",
        "get_tensor_mode",
        "get_tensor_dtype",
        "get_tensor_shape",
        "get_tensor_profile_shape",
        "create_execution_context",
    ],
    "IExecutionContext": ["set_input_shape", "set_tensor_address", "execute_async_v3"],
    "IPluginRegistry": ["get_creator", "load_library"],
    "TensorIOMode": ["INPUT", "OUTPUT"],
}


def test_every_call_that_the_sdk_makes_is_there():
    for kind, names in CALLS.items():
        assert not [name for name in names if not hasattr(getattr(trt, kind), name)]
    assert hasattr(trt.ICudaEngine, "create_runtime_config")
    for name in ("cuda_graph_strategy", "create_runtime_cache", "set_runtime_cache"):
        assert hasattr(trt.IRuntimeConfig, name)
    assert hasattr(trt.IRuntimeCache, "serialize")
    assert hasattr(trt.IRuntimeCache, "deserialize")
    assert hasattr(trt.CudaGraphStrategy, "WHOLE_GRAPH_CAPTURE")
    assert {trt.nptype(kind).__name__ for kind in (trt.uint8, trt.int32, trt.float16, trt.float32)} == {
        "uint8",
        "int32",
        "float16",
        "float32",
    }


def load(content):
    return deserialize(trt, content, "bundle/engines/k/image.plan", "isfp build bundle --runtime tensorrt-rtx")


def test_a_file_that_is_no_plan_is_refused_with_tensorrts_words_and_the_command():
    with pytest.raises(
        EngineMismatchError, match=r"cannot load bundle/engines/k/image\.plan\. It says: .*[Ss]erializ.*isfp build"
    ) as caught:
        load(b"no plan at all" * 100)
    assert caught.value.command == "isfp build bundle --runtime tensorrt-rtx"
    assert "NoneType" not in str(caught.value)


def test_messages_of_an_earlier_failure_are_not_repeated():
    for _ in range(2):
        with pytest.raises(EngineMismatchError) as caught:
            load(b"no plan at all" * 100)
        assert str(caught.value).count("magicTag") <= 1


def test_one_logger_serves_a_module_as_long_as_the_process_lives():
    assert messages_of(trt) is messages_of(trt)


def test_a_real_plan_cut_short_is_refused(small_plan):
    with pytest.raises(EngineMismatchError, match="It says: "):
        load(small_plan[: len(small_plan) // 2])


def test_a_real_plan_without_a_driver_is_refused_with_the_reason(small_plan):
    from isfp.engines.gpu import first_gpu

    if first_gpu():
        pytest.skip("this machine has a GPU")
    with pytest.raises(EngineMismatchError, match="(?i)cuda"):
        load(small_plan)


class Answers:
    """An engine or a context that answers as TensorRT's do where something went wrong."""

    def __init__(self, **answers):
        self._answers = answers

    def __getattr__(self, name):
        value = self._answers[name]
        return value if name.startswith("num_") else value if callable(value) else lambda *_: value


@pytest.mark.parametrize(
    ("answers", "call", "message"),
    [
        ({"set_input_shape": False}, lambda e: e.set_shape("a", (9, 4)), r"cannot take a of the shape \[9, 4\]"),
        ({"set_tensor_address": False}, lambda e: e.set_address("a", 0), "cannot take an address for a"),
        ({"execute_async_v3": False}, lambda e: e.enqueue(0), "cannot run"),
    ],
)
def test_a_false_from_a_context_becomes_an_error_with_stage_and_reason(answers, call, message):
    def enough(*_):
        messages_of(trt).add("profile 0 says no")
        return False

    answers = dict.fromkeys(answers, enough)
    execution = PlanExecution(trt, Answers(create_execution_context=Answers(**answers)), "mask")
    with pytest.raises(RuntimeFailedError, match=rf"stage 'mask' {message}.* It says: profile 0 says no"):
        call(execution)


def test_no_context_becomes_an_error():
    with pytest.raises(RuntimeFailedError, match="cannot make an execution context. It says: it gave no reason"):
        PlanExecution(trt, Answers(create_execution_context=None), "mask")


def engine_of(least=(1, 4), most=(8, 4), dtype=None, name="a"):
    dtype = dtype or trt.float32
    names = [name, "out"]
    return Answers(
        num_io_tensors=2,
        get_tensor_name=lambda index: names[index],
        get_tensor_mode=lambda n: trt.TensorIOMode.OUTPUT if n == "out" else trt.TensorIOMode.INPUT,
        get_tensor_dtype=lambda n: dtype,
        get_tensor_shape=lambda n: trt.Dims((-1, 4)),
        get_tensor_profile_shape=lambda n, index: [trt.Dims(least), trt.Dims(least), trt.Dims(most)],
    )


PLAN = stage_buffers(
    Stage("s", "s.onnx", (Tensor("a", "float32", ("P", 4)),), (Tensor("out", "float32", ("P", 4)),)), Span(1, 1, 8), Span(1, 1, 3)
)


def test_buffers_follow_an_engine_that_holds_values_between_stages_in_half():
    for name, dtype, stored in (("visual_large", trt.float16, "float16"), ("visual_large", trt.float32, "float32")):
        engine = engine_of(dtype=dtype, name=name)
        types = binding_types(trt, engine)
        assert types == {name: stored, "out": stored}
        stage = Stage("s", "s.onnx", (Tensor(name, "float32", ("P", 4)),), ())
        (buffer,) = stage_buffers(stage, Span(1, 1, 8), Span(1, 1, 3), types).inputs
        assert (buffer.dtype.name, buffer.stored.name, buffer.bytes) == ("float32", stored, 8 * 4 * buffer.stored.itemsize)


def test_an_engine_that_gives_the_host_half_precision_is_refused():
    """Only what never leaves the device may differ from the manifest."""
    engine = engine_of(dtype=trt.float16)
    buffers = stage_buffers(
        Stage("s", "s.onnx", (Tensor("a", "float32", ("P", 4)),), (Tensor("out", "float32", ("P", 4)),)),
        Span(1, 1, 8),
        Span(1, 1, 3),
        binding_types(trt, engine),
    )
    with pytest.raises(EngineMismatchError, match=r"'float16'.*expected .*'float32'"):
        check(trt, engine, buffers, "image.plan", "isfp build b")


def test_an_engine_with_the_stages_tensors_and_profile_passes():
    check(trt, engine_of(), PLAN, "image.plan", "isfp build b")
    check(trt, engine_of(most=(16, 4)), PLAN, "image.plan", "isfp build b")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "b"}, "image.plan has .*'b'.*expected .*'a'"),
        ({"dtype": trt.float16}, "'float16'.*expected .*'float32'"),
        ({"most": (4, 4)}, r"takes a from \(1, 4\) to \(4, 4\); expected, as its record says, \(1, 4\) to \(8, 4\)"),
        ({"least": (2, 4)}, r"takes a from \(2, 4\)"),
    ],
)
def test_an_engine_with_other_tensors_or_a_narrower_profile_is_refused(changes, message):
    with pytest.raises(EngineMismatchError, match=message):
        check(trt, engine_of(**changes), PLAN, "image.plan", "isfp build b")
