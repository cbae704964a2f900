"""The life of an engine runtime: loading, trust, closing. TensorRT's part is played by ONNX Runtime on a device of host memory.

What is replaced is where plans become executions, nothing of what comes before and after.
"""

import gc
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import FIND
from isfp.engines.record import PlanRecord
from isfp.errors import EngineMismatchError, RuntimeFailedError
from isfp.runtimes.tensorrt import TensorRT
from tests.sdk.colour_bundle import picture
from tests.sdk.engine_folders import record_for, write_engine
from tests.sdk.runtimes.host_tensorrt import play_tensorrt


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))


@pytest.fixture
def orin(monkeypatch, copy):
    """An Orin; what its TensorRT was given is in the list that this returns."""
    return play_tensorrt(monkeypatch, copy)


def test_each_stages_plan_reaches_tensorrt_once_with_its_place_and_command(copy, orin):
    folder = write_engine(copy, plugin_version=None)
    with Segmenter(copy, "tensorrt") as segmenter:
        assert segmenter.runtime.record.key == folder.name
    assert [content for content, _, _ in orin] == [f"plan of {stage}".encode() for stage in ("image", "text", "identify", "mask")]
    assert orin[3][1:] == (str(folder / "mask.plan"), f"isfp build {copy} --runtime tensorrt --precision fp16")


def test_an_engine_with_the_stages_in_one_graph_says_for_how_many_phrases(copy, orin):
    bundle = Bundle.open(copy)
    write_engine(copy, plugin_version=None)
    runtime = TensorRT()
    assert runtime.most_at_once(bundle) == 0
    runtime.close()
    plans = {**record_for(copy).plans, FIND: PlanRecord("find.plan", "0" * 64, 1)}
    write_engine(copy, plugin_version=None, plans=plans, created="2026-02-01T00:00:00Z", runtime_version="10.3.0")
    runtime = TensorRT()
    assert runtime.most_at_once(bundle) == 8
    runtime.close()


def test_a_segmenter_on_it_finds_what_onnx_runtime_finds(copy, orin):
    write_engine(copy, plugin_version=None)
    frame = picture(("red", (10, 10, 60, 60)))
    with Segmenter(copy, "tensorrt") as ours, Segmenter(copy, "onnxruntime") as theirs:
        for _ in range(4):
            a, b = ours.run(frame, "the red thing"), theirs.run(frame, "the red thing")
            np.testing.assert_array_equal(a.mask, b.mask)
        ours.runtime.wait()


def test_stages_are_timed_on_the_device_and_only_while_asked_for(copy, orin):
    write_engine(copy, plugin_version=None)
    frame = picture(("red", (10, 10, 60, 60)))
    with Segmenter(copy, "tensorrt") as segmenter:
        assert segmenter.runtime.precision == "fp16"
        with segmenter.runtime.timed_stages() as taken:
            for _ in range(3):
                assert segmenter.run(frame, "red").found
        segmenter.run(frame, "red")
    assert {stage: len(times) for stage, times in taken.items()} == {"image": 3, "text": 1, "identify": 3, "mask": 3}
    assert min(min(times) for times in taken.values()) > 0


def test_a_plan_that_was_changed_never_reaches_tensorrt(copy, orin):
    folder = write_engine(copy, plugin_version=None)
    (folder / "image.plan").write_bytes(b"plan of imagf")
    with pytest.raises(EngineMismatchError, match="was changed"):
        Segmenter(copy, "tensorrt")
    assert orin == []


def test_plans_that_call_the_plugin_are_refused_before_they_are_loaded_where_it_is_missing(copy, orin, monkeypatch):
    def missing(trt, version, bundle):
        assert (version, bundle) == ("1", copy)
        raise EngineMismatchError("there is no libisfp_fpm_scan.so", "plugin")

    monkeypatch.setattr("isfp.runtimes.tensorrt.load_plugin", missing)
    write_engine(copy)
    with pytest.raises(EngineMismatchError, match="libisfp_fpm_scan"):
        Segmenter(copy, "tensorrt")
    assert orin == []


def test_a_closed_one_says_so_and_holds_nothing(copy, orin):
    write_engine(copy, plugin_version=None)
    segmenter = Segmenter(copy, "tensorrt")
    frame = picture(("red", (10, 10, 60, 60)))
    segmenter.run(frame, "red")
    device = segmenter.runtime.device
    segmenter.close()
    segmenter.close()
    assert device.closed
    assert segmenter.runtime.stages == {}
    with pytest.raises(RuntimeFailedError, match="tensorrt was closed. Make a new Segmenter"):
        segmenter.run(frame, "red")
    with pytest.raises(RuntimeFailedError, match="was closed"):
        segmenter.runtime.wait()
    with pytest.raises(RuntimeFailedError, match="was closed"):
        segmenter.runtime.load(segmenter.bundle, "image")


def test_one_that_nobody_closes_gives_its_device_back_when_it_is_dropped(copy, orin):
    write_engine(copy, plugin_version=None)
    segmenter = Segmenter(copy, "tensorrt")
    device = segmenter.runtime.device
    del segmenter
    gc.collect()
    assert device.closed


def test_another_thread_may_run_it(copy, orin):
    write_engine(copy, plugin_version=None)
    frame, results = picture(("red", (10, 10, 60, 60))), []
    with Segmenter(copy, "tensorrt") as segmenter:
        thread = threading.Thread(target=lambda: results.append(segmenter.run(frame, "red")))
        thread.start()
        thread.join()
        assert segmenter.runtime.device.entered == 0
    assert results[0].found
