import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from isfp.bundle.bundle import Bundle
from isfp.bundle.onnx_file import summarise
from isfp.diagnose.inspection import inspect
from isfp.engines.gpu import first_gpu
from isfp.errors import BundleCorruptError
from isfp.runtimes.tensorrt import TensorRT
from tests.sdk.engine_folders import ORIN, write_engine


@pytest.mark.parametrize("stage", ["image", "text", "identify", "mask"])
def test_an_onnx_file_is_counted_as_the_onnx_package_counts_it(colour_bundle, stage):
    content = (colour_bundle / f"{stage}.onnx").read_bytes()
    graph = onnx.load_from_string(content).graph
    summary = summarise(content, stage)
    assert summary.operators == Counter(node.op_type for node in graph.node)
    assert sum(summary.weights.values()) == sum(numpy_helper.to_array(tensor).nbytes for tensor in graph.initializer)


def small(kind: int, packed: bool = True) -> bytes:
    array = numpy_helper.from_array(np.ones((40, 50), helper.tensor_dtype_to_np_dtype(kind)), "w")
    index = numpy_helper.from_array(np.ones(3, np.int64), "i")
    node = helper.make_node("FPMScan", ["x", "w", "i"], ["y"], domain="isfp")
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    return helper.make_model(helper.make_graph([node, node], "g", [value], [], [array, index])).SerializeToString()


@pytest.mark.parametrize(("kind", "name"), [(TensorProto.FLOAT, "fp32"), (TensorProto.FLOAT16, "fp16"), (TensorProto.INT8, "int8")])
def test_the_precision_is_that_of_most_weights_and_other_domains_are_named(kind, name):
    summary = summarise(small(kind), "x.onnx")
    assert summary.precision == name
    assert summary.operators == {"isfp::FPMScan": 2}


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content):
    with suppress(BundleCorruptError):
        summarise(content, "x.onnx")


def test_a_file_cut_short_is_refused(colour_bundle):
    content = (colour_bundle / "mask.onnx").read_bytes()
    with pytest.raises(BundleCorruptError, match=r"mask\.onnx is not an ONNX file: it ends within a field"):
        summarise(content[: len(content) // 2], "mask.onnx")


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))


def test_engines_are_shown_with_their_records_and_the_reason_where_they_do_not_fit(copy, monkeypatch):
    monkeypatch.setattr(TensorRT, "why_unavailable", classmethod(lambda cls: None))
    monkeypatch.setattr(TensorRT, "machine", classmethod(lambda cls: ORIN))
    good = write_engine(copy)
    write_engine(copy, key="other", sm="89", gpu="RTX")
    (write_engine(copy, key="broken") / "engine.json").write_text("{")
    engines = {engine.key: engine for engine in inspect(Bundle.open(copy)).engines}
    assert engines[good.name].fits
    assert engines[good.name].record.precision == "fp16"
    assert engines[good.name].bytes == sum(
        (good / f"{stage}.plan").stat().st_size for stage in ("image", "text", "identify", "mask")
    )
    assert engines["other"].reason == "sm is '89', expected '87'; gpu is 'RTX', expected 'Orin'"
    assert engines["broken"].record is None
    assert "not valid JSON" in engines["broken"].reason


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_without_a_gpu_an_engine_says_that_this_is_why_it_does_not_run(copy):
    write_engine(copy)
    (engine,) = inspect(Bundle.open(copy)).engines
    assert not engine.fits
    assert "no NVIDIA GPU" in engine.reason
