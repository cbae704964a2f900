import json
import shutil

import numpy as np
import onnx
import pytest

from isfp.bundle.bundle import Bundle, write_manifest
from isfp.errors import BundleCorruptError, EngineMismatchError, RuntimeFailedError, RuntimeUnavailableError
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
