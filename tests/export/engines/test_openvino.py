"""INT8 for OpenVINO: what is built runs and agrees with FP32, and what does not agree is not written."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.cli import extras
from isfp.engines.choice import engines_of, sources_of
from isfp.engines.plans import read_plan
from isfp.engines.record import Precision
from isfp.runtimes.openvino import OpenVino
from isfp_export import cli as commands
from isfp_export.engines.build import BuildResult
from isfp_export.engines.openvino import OpenVinoStage, build_openvino
from isfp_export.onnx.stages import stages
from isfp_export.onnx.to_onnx import stage_to_onnx
from isfp_export.precision import verify
from isfp_export.precision.convert import ConvertedStage, UnknownNodeError, full
from isfp_export.precision.frames import FramesMissingError, scenes
from isfp_export.precision.run import StageSession
from isfp_export.precision.verify import PrecisionError
from isfp_train import seeds
from isfp_train.network import ISFP, NetworkConfig
from tests.export.onnx.test_once_per_frame import BOUNDED, NETWORK
from tests.sdk.openvino_here import needs_int8, needs_openvino

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is for a network that was trained: one that hardly was gives masks that are nearly even."""
    monkeypatch.setitem(verify.GATES, Precision.INT8, 0.8)


def build(bundle: Bundle, keep: tuple[str, ...] = ()) -> BuildResult:
    ranges, checked = (scenes(bundle, 3, seed.start) for seed in (seeds.QUANTISATION, seeds.PRECISION_CHECK))
    return build_openvino(bundle, keep, ranges, checked)


@pytest.fixture(scope="module")
def bundle(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    copy = tmp_path_factory.mktemp("bundles") / "tiny.isfp"
    return Bundle.open(shutil.copytree(exported, copy, ignore=shutil.ignore_patterns("engines")))  # those of other tests


@needs_int8
def test_what_was_built_runs_and_its_masks_agree(bundle: Bundle) -> None:
    result = build(bundle)
    record = result.record
    assert record.key == f"openvino-{OpenVino().version}-cpu-int8" == result.folder.name
    assert (record.sm, record.phrases, record.candidates, record.sources) == (None, None, None, sources_of(bundle))
    assert [engine.record for engine in engines_of(bundle)] == [record]
    for stage in record.plans:
        model = onnx.load_from_string(read_plan(bundle.path, record.key, record, stage))
        assert not model.functions
        operators = [node.op_type for node in model.graph.node]
        assert ("QuantizeLinear" in operators) == (result.report[stage]["convolutions"]["int8"] > 0)
    image = result.report["image"]
    assert image["convolutions"]["int8"] > 10
    assert len(image["kept"]) == image["convolutions"]["fp32"]
    assert all(reason.endswith("; FP32") for reason in image["kept"].values())
    assert image["not computed in int8"] == []
    assert result.check is not None
    assert result.check.mask_iou >= 0.8

    frame = scenes(bundle, 1, seeds.TEST.start)[0].view[0]
    texts = ["the red object", "the biggest object on the left"]
    with Segmenter(bundle, "openvino:int8", threshold=0.0) as ours, Segmenter(bundle, "onnxruntime", threshold=0.0) as theirs:
        assert ours.runtime.precision == "int8"
        for one, other in zip(ours.run(frame, texts), theirs.run(frame, texts), strict=True):
            np.testing.assert_allclose(one.identifying_map, other.identifying_map, atol=0.1)
        assert not np.array_equal(ours.run(frame, texts)[0].identifying_map, theirs.run(frame, texts)[0].identifying_map)


@needs_int8
def test_a_build_that_misses_the_gate_writes_nothing_and_names_layers(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    before = engines_of(bundle)
    monkeypatch.setitem(verify.GATES, Precision.INT8, 1.01)
    with pytest.raises(PrecisionError, match=r"expected at least 1\.01\. Nothing was written\. Most .* --keep (\S+) and") as caught:
        build(bundle)
    named = str(caught.value).partition("--keep ")[2].split()[0]
    convolutions = {node.name for model in full(bundle).values() for node in model.graph.node if node.op_type == "Conv"}
    assert named in convolutions
    assert engines_of(bundle) == before
    assert not list(bundle.path.glob("engines/.*"))


@needs_int8
def test_what_is_to_be_kept_stays_in_fp32(bundle: Bundle) -> None:
    result = build(bundle, ("Conv",))
    assert all(entry["convolutions"]["int8"] == 0 for entry in result.report.values())
    assert set(result.report["image"]["kept"].values()) == {"requested; FP32"}
    assert result.check is not None
    assert result.check.mask_iou > 0.99
    with pytest.raises(UnknownNodeError, match="nobody"):
        build(bundle, ("nobody",))


@needs_int8
class TestTheCommand:
    @pytest.fixture(autouse=True)
    def _commands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extras, "load", lambda name: getattr(commands, name))

    def test_takes_frames_for_the_ranges_and_others_for_the_check(self, bundle: Bundle, isfp, tmp_path: Path) -> None:
        for index, frame in enumerate(scenes(bundle, 3, seeds.TEST.start)):
            cv2.imwrite(str(tmp_path / f"{index}.png"), frame.view[0])
        command = ("build", bundle.path, "--runtime", "openvino", "--frames", tmp_path, "--json")
        code, out, message = isfp(*command, "--calibration", 2)
        assert code == 0, message
        printed = json.loads(out)
        assert printed["precision"] == "int8"
        assert printed["report"]["check"]["phrases"] == 3  # of the one picture that is left
        code, _, message = isfp(*command, "--calibration", 3)
        assert code == 1
        assert "holds 3 pictures" in message

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--precision", "fp16"), "expected int8. FP32 and bf16 need no build"),
            (("--target", "sm89"), "--target is for engines that run on a GPU"),
            (("--usual-phrases", "1"), "--usual-phrases is for engines that run on a GPU"),
            (("--no-one-graph",), "--one-graph is for engines that run on a GPU"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, bundle: Bundle, isfp, arguments: tuple[str, ...], said: str) -> None:
        code, _, message = isfp("build", bundle.path, "--runtime", "openvino", *arguments)
        assert code == 2
        assert said in " ".join(message.replace("│", " ").split())

    def test_says_how_many_are_int8_and_how_the_masks_agree(self, bundle: Bundle, isfp) -> None:
        code, out, _ = isfp("build", bundle.path, "--runtime", "openvino", "--calibration", 2)
        assert code == 0
        assert "convolutions in INT8" in out
        assert "it reads the frame, in which every value matters; FP32" in out
        assert "mean IoU with FP32" in out


def test_without_frames_there_are_no_ranges(bundle: Bundle) -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip('OpenVINO is not installed: pip install "isfp[openvino]"')
    with pytest.raises(FramesMissingError, match="--calibration with 1 or more"):
        build_openvino(bundle, (), [], [])


@needs_openvino
@pytest.mark.parametrize("switches", [{}, {**BOUNDED, "refinement_small": True}], ids=["plain", "bounded"])
def test_each_form_of_the_network_converts_and_gives_what_onnx_runtime_gives(switches: dict) -> None:
    torch.manual_seed(1)
    config = NetworkConfig.from_dict({**NETWORK, **switches})
    rng = np.random.default_rng(0)
    feed: dict[str, np.ndarray] = {
        "frame": rng.integers(0, 256, (1, 64, 64, 3), np.uint8),
        "words": rng.integers(0, 30, (3, config.max_words)).astype(np.int32),
        "lengths": np.array([2, 3, 6], np.int32),
        "cells": np.array([[0, 7], [24, 3], [12, 12]], np.int32),
    }
    runtime = OpenVino(threads=1)
    for stage in stages(ISFP(config, words=30).eval()):
        model = stage_to_onnx(stage, config)
        theirs = StageSession(model).run(feed)
        ours = OpenVinoStage(runtime, stage.name, model).run(feed)
        for name, value in theirs.items():
            np.testing.assert_allclose(ours[name], value, atol=2e-3 * np.abs(value).max(), err_msg=f"{stage.name}: {name}")
        feed.update(theirs)


def test_a_converted_stage_names_only_nodes_that_it_has(bundle: Bundle) -> None:
    from isfp_export.precision.convert import convert

    converted: dict[str, ConvertedStage] = convert(bundle, Precision.INT8, (), scenes(bundle, 1, 1), base=Precision.FP32)
    for name, stage in converted.items():
        nodes = {node.name for node in full(bundle)[name].graph.node}
        assert stage.precisions.keys() <= nodes
        assert stage.kept.keys() <= nodes
        assert Precision.FP16 not in stage.precisions.values()
