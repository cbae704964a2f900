import json
import shutil
import time

import numpy as np
import onnx
import onnxruntime
import pytest

from isfp import Segmenter
from isfp.bundle.bundle import Bundle, write_manifest
from isfp.errors import BundleCorruptError, EngineMismatchError, IsfpError, RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes import RUNTIMES, choose
from isfp.runtimes.onnxruntime import OnnxRuntime


def with_identify(colour_bundle, tmp_path, content: bytes) -> Bundle:
    """A bundle with another identify.onnx, its manifest signed for it."""
    copy = shutil.copytree(colour_bundle, tmp_path / "copy.isfp")
    (copy / "identify.onnx").write_bytes(content)
    write_manifest(copy, json.loads((copy / "manifest.json").read_text(encoding="utf-8")))
    return Bundle.open(copy)


def test_auto_takes_a_runtime_that_is_here():
    assert choose("auto").name in RUNTIMES


def test_a_model_that_cannot_be_loaded_is_refused_with_the_runtimes_own_words(colour_bundle, tmp_path):
    model = onnx.load(colour_bundle / "identify.onnx")
    model.graph.node[0].op_type = "NoSuchOperator"
    bundle = with_identify(colour_bundle, tmp_path, model.SerializeToString())
    with pytest.raises(EngineMismatchError, match=r"(?s)cannot load .*identify\.onnx: .*NoSuchOperator"):
        OnnxRuntime().load(bundle, "identify")


def test_a_long_name_in_a_model_does_not_make_a_long_message(colour_bundle, tmp_path):
    model = onnx.load(colour_bundle / "identify.onnx")
    model.graph.node[0].op_type = "No" * 100_000
    with pytest.raises(EngineMismatchError, match=r"NoNo.*\.\.\.\. Upgrade it") as raised:
        OnnxRuntime().load(with_identify(colour_bundle, tmp_path, model.SerializeToString()), "identify")
    assert len(str(raised.value)) < 3000


def test_a_file_that_is_not_a_model_is_refused_before_the_runtime_sees_it(colour_bundle, tmp_path):
    with pytest.raises(BundleCorruptError, match=r"identify\.onnx is no"):
        OnnxRuntime().load(with_identify(colour_bundle, tmp_path, b"no model at all"), "identify")


def test_a_model_with_other_outputs_than_the_manifest_states_is_refused(colour_bundle, tmp_path):
    model = onnx.load(colour_bundle / "identify.onnx")
    model.graph.node[-1].output[0] = model.graph.output[0].name = "guesses"
    bundle = with_identify(colour_bundle, tmp_path, model.SerializeToString())
    with pytest.raises(EngineMismatchError, match=r"outputs .*'guesses'.*expected.*'identifying'"):
        OnnxRuntime().load(bundle, "identify")


def test_a_provider_that_is_not_here_is_refused_with_those_that_are():
    with pytest.raises(RuntimeUnavailableError, match="CPUExecutionProvider"):
        OnnxRuntime(providers=["MoonExecutionProvider"])


def test_inputs_that_do_not_fit_fail_with_stage_and_shapes(colour_bundle):
    text = OnnxRuntime().load(Bundle.open(colour_bundle), "text")
    with pytest.raises(RuntimeFailedError, match=r"stage 'text' on \{'words': \[1, 3\]"):
        text(words=np.zeros((1, 3), np.int32), lengths=np.ones(1, np.int32))


def test_threads_do_not_change_the_outcome(colour_bundle):
    bundle = Bundle.open(colour_bundle)
    frame = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    one, two = (OnnxRuntime(threads=n).load(bundle, "image")(frame=frame) for n in (1, 2))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=1e-6)


def endless(path) -> bytes:
    """The model with a loop before its first output that ends for no frame."""
    model, helper = onnx.load(path), onnx.helper
    output = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = [f"{name}_once" if name == output else name for name in node.output]
        node.input[:] = [f"{name}_once" if name == output else name for name in node.input]
    true, value = helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []), helper.make_tensor_value_info("v", 1, None)
    again = [helper.make_tensor_value_info("go_on", onnx.TensorProto.BOOL, []), helper.make_tensor_value_info("v_on", 1, None)]
    nodes = [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["v"], ["v_on"])]
    body = helper.make_graph(nodes, "body", [helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []), true, value], again)
    model.graph.initializer.append(helper.make_tensor("always", onnx.TensorProto.BOOL, [], [True]))
    model.graph.node.append(helper.make_node("Loop", ["", "always", f"{output}_once"], [output], body=body))
    return model.SerializeToString()


def test_a_stage_that_does_not_end_is_stopped_and_the_next_run_starts_afresh(colour_bundle, tmp_path):
    bundle = with_identify(colour_bundle, tmp_path, endless(colour_bundle / "identify.onnx"))
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    with Segmenter(bundle, OnnxRuntime(run_limit=0.5)) as segmenter:
        for _ in range(2):
            with pytest.raises(RuntimeFailedError, match=r"'identify' did not end within 0\.5 s.*endless loop.*run_limit"):
                segmenter.run(frame, "red")
            segmenter.look(frame)  # the other stages still run


def test_runs_that_end_are_not_stopped_however_many_there_are(colour_bundle):
    frame = np.zeros((1, 64, 64, 3), np.uint8)
    runtime = OnnxRuntime(run_limit=0.3)
    image, start, count = runtime.load(Bundle.open(colour_bundle), "image"), time.monotonic(), 0
    while time.monotonic() - start < 1:
        image(frame=frame)
        count += 1
    assert count > 1
    runtime.close()


@pytest.mark.parametrize("limit", [0, None])
def test_the_limit_is_two_minutes_and_can_be_switched_off(limit):
    runtime = OnnxRuntime(run_limit=limit)
    assert runtime._run_limit == (0 if limit == 0 else 120)
    assert (runtime._watchdog is None) == (limit == 0)
    with pytest.raises(IsfpError, match="run_limit is -1; expected seconds"):
        OnnxRuntime(run_limit=-1)


@pytest.mark.parametrize(("version", "spins"), [("1.25.1", False), ("1.26.0", True), ("2.0.0rc1", True), ("unknown", False)])
def test_threads_spin_only_within_a_run_and_only_where_that_can_be_limited(colour_bundle, monkeypatch, version, spins):
    asked = []
    real = onnxruntime.InferenceSession

    def session(content, sess_options, **others):
        asked.append(sess_options)
        return real(content, sess_options=sess_options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(onnxruntime, "__version__", version)
    with Segmenter(colour_bundle, OnnxRuntime(threads=2)) as segmenter:
        assert segmenter.run(np.zeros((48, 64, 3), np.uint8), "red").reason is not None
    assert asked
    for options in asked:
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == str(int(spins))
        if spins:
            assert options.get_session_config_entry("session.force_spinning_stop") == "1"
            assert 0 < int(options.get_session_config_entry("session.intra_op.spin_duration_us")) <= 50
