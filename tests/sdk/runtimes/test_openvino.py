"""OpenVINO as a runtime: the answers of ONNX Runtime, typed errors, and INT8 stages that are not taken unless they fit."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from isfp import Segmenter
from isfp.bundle.atomic_folder import atomic_folder
from isfp.bundle.bundle import Bundle, write_manifest
from isfp.diagnose.doctor import examine
from isfp.diagnose.inspection import inspect
from isfp.errors import EngineMismatchError, IsfpError, RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes import RUNTIMES, choose
from isfp.runtimes.onnxruntime import OnnxRuntime
from isfp.runtimes.openvino import OpenVino
from isfp.runtimes.threads import usable_cores
from tests.sdk.colour_bundle import HEIGHT, WIDTH, WORDS, picture
from tests.sdk.engine_folders import cpu_record_for, write_cpu_engine
from tests.sdk.openvino_here import needs_bf16, needs_int8, needs_openvino

THINGS = picture(("red", (4, 4, 28, 28)), ("blue", (40, 40, 60, 60)))
TEXTS = ["the red thing", "green", "blue"]


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))


def same(one, other, tolerance):
    """Whether two results agree: the map within a tolerance, and all but a hundredth of the mask's pixels."""
    np.testing.assert_allclose(one.identifying_map, other.identifying_map, atol=tolerance)
    assert (one.found, one.reason) == (other.found, other.reason)
    assert (one.mask ^ other.mask).mean() < 0.01


def test_auto_prefers_onnx_runtime():
    assert list(RUNTIMES).index("openvino") > list(RUNTIMES).index("onnxruntime")


@needs_openvino
@pytest.mark.parametrize(
    ("option", "tolerance"),
    [("", 1e-5), pytest.param(":bf16", 0.05, marks=needs_bf16), pytest.param(":int8", 1e-5, marks=needs_int8)],
)
def test_it_answers_as_onnx_runtime_does(copy, option, tolerance):
    write_cpu_engine(copy)  # its stages are the bundle's own
    frames = [THINGS, picture(("green", (10, 10, 50, 50)), size=(50, 200)), THINGS]
    with Segmenter(copy, "onnxruntime", threads=1) as theirs, Segmenter(copy, f"openvino{option}", threads=1) as ours:
        assert ours.runtime.precision == (option[1:] or None)
        for frame in frames:
            for texts in (TEXTS, TEXTS[:1], "red"):
                one, other = ours.run(frame, texts), theirs.run(frame, texts)
                for pair in zip(one, other, strict=True) if isinstance(texts, list) else [(one, other)]:
                    same(*pair, tolerance)
        found, expected = (segmenter.run(THINGS, "red", several=True) for segmenter in (ours, theirs))
        assert len(found) == len(expected)


@needs_openvino
def test_stages_with_several_candidates_give_what_onnx_runtime_gives(colour_bundle):
    bundle, rng = Bundle.open(colour_bundle), np.random.default_rng(0)
    runtimes = OpenVino(threads=1), OnnxRuntime(1)
    frame = rng.integers(0, 256, (1, HEIGHT, WIDTH, 3), np.uint8)
    for phrases, candidates in ((1, 1), (4, 3), (2, 1)):
        words = rng.integers(0, 5, (phrases, WORDS)).astype(np.int32)
        cells = rng.integers(0, 16, (phrases, candidates)).astype(np.int32)
        answers = []
        for runtime in runtimes:
            visual = runtime.load(bundle, "image")(frame=frame)
            text = runtime.load(bundle, "text")(words=words, lengths=np.full(phrases, WORDS, np.int32))
            identified = runtime.load(bundle, "identify")(**visual, **text)
            answers.append({**identified, **runtime.load(bundle, "mask")(frame=frame, **visual, **text, cells=cells)})
        assert answers[0]["masks"].shape == (phrases, candidates, HEIGHT, WIDTH)
        for name, value in answers[0].items():
            np.testing.assert_allclose(value, answers[1][name], atol=1e-4)


@needs_openvino
def test_answers_of_a_run_before_stay_whole_when_the_number_of_phrases_changes(colour_bundle):
    bundle, rng = Bundle.open(colour_bundle), np.random.default_rng(0)
    identify, image = (OpenVino(threads=1).load(bundle, stage) for stage in ("identify", "image"))
    visual = image(frame=rng.integers(0, 256, (1, HEIGHT, WIDTH, 3), np.uint8))
    first = identify(**visual, phrases=np.ones((1, 3), np.float32))["identifying"]
    before = first.copy()
    identify(**visual, phrases=np.zeros((8, 3), np.float32))
    np.testing.assert_array_equal(first, before)


@needs_openvino
def test_threads_are_passed_on_and_by_default_those_that_may_be_used(colour_bundle):
    bundle = Bundle.open(colour_bundle)
    frame = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, WIDTH, 3), np.uint8)
    content = (colour_bundle / "image.onnx").read_bytes()
    assert OpenVino(threads=1).compile(content, "", "").get_property("INFERENCE_NUM_THREADS") == 1
    compiled = OpenVino().compile(content, "", "")
    assert compiled.get_property("INFERENCE_NUM_THREADS") == usable_cores()
    assert compiled.get_property("ENABLE_CPU_PINNING") is False
    one, two = (OpenVino(threads=n).load(bundle, "image")(frame=frame) for n in (1, 2))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=1e-6)
    with pytest.raises(IsfpError, match="number of threads"):
        OpenVino(threads=100_000)


@needs_openvino
def test_a_closed_one_runs_nothing(colour_bundle):
    segmenter = Segmenter(colour_bundle, "openvino")
    segmenter.run(THINGS, "red")
    segmenter.close()
    with pytest.raises(RuntimeFailedError, match="was closed"):
        segmenter.run(THINGS, "red")


@needs_openvino
@pytest.mark.parametrize(
    ("words", "lengths"),
    [((1, 3), (1, np.int32)), ((1, WORDS), (1, np.int64)), ((1, WORDS), None)],
    ids=["shape", "type", "missing"],
)
def test_inputs_that_do_not_fit_fail_with_stage_and_shapes(colour_bundle, words, lengths):
    text = OpenVino(threads=1).load(Bundle.open(colour_bundle), "text")
    text(words=np.zeros((1, WORDS), np.int32), lengths=np.ones(1, np.int32))  # what was given before is not taken again
    inputs = {"words": np.zeros(words, np.int32)} | ({} if lengths is None else {"lengths": np.ones(*lengths)})
    with pytest.raises(RuntimeFailedError, match=r"OpenVINO failed in the stage 'text' on \{'words': 'int32 \[1, \d\]'"):
        text(**inputs)


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "NoSuchOperator"


def other_output(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = model.graph.output[0].name = "guesses"


@needs_openvino
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (unknown_operator, r"(?s)cannot load .*identify\.onnx.*NoSuchOperator"),
        (other_output, r"outputs .*'guesses'.*expected.*'identifying'"),
    ],
)
def test_a_stage_that_cannot_be_used_is_refused(copy, change, message):
    model = onnx.load(copy / "identify.onnx")
    change(model)
    (copy / "identify.onnx").write_bytes(model.SerializeToString())
    write_manifest(copy, json.loads((copy / "manifest.json").read_text(encoding="utf-8")))
    with pytest.raises(EngineMismatchError, match=message):
        OpenVino().load(Bundle.open(copy), "identify")


@pytest.mark.parametrize("module", ["openvino", "onnx"])
def test_a_missing_package_is_named_with_the_extra(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RuntimeUnavailableError, match=rf"{module} (is|are) not installed. Install it: .*isfp\[openvino\]"):
        choose("openvino")


def test_the_doctor_calls_its_absence_no_fault(monkeypatch, colour_bundle):
    monkeypatch.setitem(sys.modules, "openvino", None)
    report = examine(Bundle.open(colour_bundle))
    (finding,) = (one for one in report.findings if one.what == "runtime openvino")
    assert finding.found == "not installed"
    assert finding.remedy.startswith("Optional")
    assert report.runtime == "onnxruntime"


@needs_openvino
@pytest.mark.parametrize(("option", "capability"), [("bf16", "BF16"), ("int8", "INT8")])
def test_a_precision_that_the_cpu_does_not_compute_in_is_refused_and_not_replaced(monkeypatch, option, capability):
    import openvino

    class Core(openvino.Core):
        def get_property(self, device, name):
            found = super().get_property(device, name)
            return [each for each in found if each != capability] if name == "OPTIMIZATION_CAPABILITIES" else found

    monkeypatch.setattr(openvino, "Core", Core)
    with pytest.raises(RuntimeUnavailableError, match=rf"asked for {option}, and this CPU .* computes in .*FP32"):
        choose(f"openvino:{option}")
    choose("openvino").close()


@needs_openvino
def test_an_unknown_precision_is_refused_with_those_that_there_are():
    with pytest.raises(RuntimeUnavailableError, match="'int4'; expected one of fp32, bf16, int8"):
        choose("openvino:int4")


@needs_int8
class TestAnEngine:
    def test_is_listed_with_what_it_runs_on(self, copy, isfp):
        write_cpu_engine(copy)
        (engine,) = inspect(Bundle.open(copy)).engines
        assert (engine.fits, engine.option) == (True, "openvino:int8")
        code, out, _ = isfp("inspect", copy)
        assert code == 0
        assert "any number" in out

    def test_is_asked_for_with_the_command_that_builds_it(self, copy):
        with pytest.raises(EngineMismatchError, match=r"no openvino engine in int8. Build it: .*openvino --precision int8$"):
            Segmenter(copy, "openvino:int8")

    def test_whose_file_was_changed_is_refused_by_its_hash(self, copy):
        folder = write_cpu_engine(copy)
        content = bytearray((folder / "mask.onnx").read_bytes())
        content[-1] ^= 1
        (folder / "mask.onnx").write_bytes(content)
        with pytest.raises(EngineMismatchError, match=r"mask\.onnx was changed: its SHA-256 .*openvino --precision int8"):
            Segmenter(copy, "openvino:int8")

    def test_of_another_version_of_the_bundle_is_refused_with_the_command(self, copy):
        sources = cpu_record_for(copy).sources
        write_cpu_engine(copy, sources={**sources, "image.onnx": "0" * 64})
        with pytest.raises(EngineMismatchError, match=r"sources\.image\.onnx is .*isfp build .*openvino --precision int8"):
            Segmenter(copy, "openvino:int8")

    def test_half_written_is_not_taken(self, copy):
        whole = write_cpu_engine(Path(shutil.copytree(copy, copy.with_name("whole.isfp"))))

        def interrupted():
            with atomic_folder(copy / "engines" / "openvino-2026.0-cpu-int8") as folder:
                shutil.copytree(whole, folder, dirs_exist_ok=True)
                with pytest.raises(EngineMismatchError, match="no openvino engine"):
                    Segmenter(copy, "openvino:int8")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with pytest.raises(EngineMismatchError, match="no openvino engine"):
            Segmenter(copy, "openvino:int8")

    def test_whose_stage_openvino_cannot_read_is_named_with_the_command(self, copy):
        folder = write_cpu_engine(copy)
        record = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
        content = b"no model at all"
        (folder / "mask.onnx").write_bytes(content)
        record["plans"]["mask"].update(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        (folder / "engine.json").write_text(json.dumps(record), encoding="utf-8")
        with pytest.raises(EngineMismatchError, match=r"cannot load .*engines.*mask\.onnx: .*Build it again: isfp build"):
            Segmenter(copy, "openvino:int8")
