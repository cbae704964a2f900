import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from isfp import IsfpError, RuntimeUnavailableError
from isfp.diagnose.bench import BenchPlan, Timing, bench
from isfp.diagnose.bench.measure import default_frame
from isfp.diagnose.bench.plot import plot
from isfp.diagnose.bench.rivals import Contestant, contestants
from isfp.diagnose.bench.timing import interleave
from isfp.runtimes.onnxruntime_providers import CHAINS
from tests.sdk.colour_bundle import picture, write_colour_bundle
from tests.sdk.engine_folders import write_cpu_engine
from tests.sdk.openvino_here import CAPABILITIES

FRAME = picture(("blue", (8, 20, 40, 52)))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another bundle, of the same network."""
    return write_colour_bundle(tmp_path_factory.mktemp("other") / "other.isfp")


@pytest.fixture(scope="module")
def report(colour_bundle, other):
    own = Contestant("own", colour_bundle, "onnxruntime")
    rivals = (Contestant("again", colour_bundle, "onnxruntime:cpu"), Contestant("other", other, same_weights=False))
    return bench(BenchPlan(own, FRAME, ("red", "green"), rivals, runs=4, phrases=(1, 3), absent=True, stream=True))


def test_a_timing_sums_up_single_runs():
    timing = Timing.from_runs([1.0, 2.0, 3.0, 4.0, 100.0])
    assert (timing.median, timing.least, timing.runs) == (3.0, 1.0, 5)
    assert 4 < timing.p95 < timing.p99 < 100


def test_tasks_are_run_in_turn_after_warming_up():
    ran = []
    timings = interleave({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, 3, 1)
    assert "".join(ran) == "ab" + "ab" * 3
    assert timings["a"].runs == timings["b"].runs == 3


def test_every_step_and_stage_is_timed_and_the_mask_stage_runs_though_nothing_is_found(report):
    assert list(report.own.milliseconds) == ["frame", "image", "text", "identify", "lookup", "mask", "restore", "total"]
    assert list(report.own.stages) == ["image", "identify", "mask"]  # the phrases are cached
    assert report.own.milliseconds["total"].runs == 6  # whole turns of three
    assert report.own.milliseconds["mask"].least >= report.own.stages["mask"].least * 0.2 > 0
    assert 0 < report.own.own_share.median < report.own.total.median * 5
    assert (report.frame, report.view, report.phrases) == ((96, 128), (64, 64), 2)


def test_each_contestant_has_its_own_process(report):
    for one in (report.own, *report.rivals.values()):
        assert one.peak_memory_mb > 20
        assert min(one.load_ms, one.first_frame_ms, one.frames_per_second) > 0


def test_rivals_are_compared_in_time_and_in_what_they_answer(report):
    assert set(report.speedup_against) == {"again", "other"}
    ratio = report.rivals["again"].total.median / report.own.total.median
    assert report.speedup_against["again"] == pytest.approx(ratio, abs=1e-3)
    agreement = report.rivals["again"].agreement
    assert (agreement.mask_iou, agreement.score_difference, agreement.same_cells) == (1, 0, True)
    assert report.rivals["other"].agreement is None  # other weights may answer otherwise


def test_numbers_of_phrases_and_an_absent_object_are_measured_too(report):
    assert list(report.by_phrases) == ["1", "3"]
    assert report.absent.runs == report.by_phrases["3"].runs == 6
    assert report.new_phrase.runs == 4


def test_a_stream_is_measured_in_turn_with_a_plain_loop(report):
    assert list(report.stream) == ["decoded", "jpeg"]
    for source, figures in report.stream.items():
        assert figures.plain.runs == figures.stream.runs == 2  # one in each turn
        assert min(figures.plain.least, figures.stream.least) > 0
        ratio = figures.plain.median / figures.stream.median
        assert report.to_json()["stream"][source]["speedup"] == figures.speedup == pytest.approx(ratio, abs=1e-3)


def test_the_report_is_json_with_the_bundles_own_figures_and_the_ratios_on_top(report):
    fields = json.loads(json.dumps(report.to_json()))
    assert (fields["format"], fields["runtime"], fields["precision"]) == ("isfp-bench", "onnxruntime", "fp32")
    assert fields["milliseconds"]["total"]["runs"] == 6
    assert fields["speedup_against"]["other"] > 0
    assert fields["facts"]["cores"] == fields["threads"] >= 1
    assert {"python", "isfp", "onnxruntime"} <= set(fields["versions"])


def test_a_picture_has_a_bar_for_each_contestant(report, tmp_path):
    from isfp import pictures

    plot(report, tmp_path / "bench.png", "own")
    picture = pictures.read(tmp_path / "bench.png")
    assert picture.shape[1] > 800
    assert (picture != 255).any(axis=2).mean() > 0.1


@pytest.mark.parametrize(
    ("frame", "text", "message"),
    [
        (picture(), "red", "would not run for 'red': the frame is one flat colour"),
        (FRAME, "zork", "would not run for 'zork': no word of the phrase is known"),
    ],
)
def test_a_frame_or_phrase_that_runs_no_mask_stage_is_refused(colour_bundle, frame, text, message):
    with pytest.raises(IsfpError, match=message):
        bench(BenchPlan(Contestant("own", colour_bundle), frame, (text,), runs=1))


def test_an_object_that_is_there_at_any_threshold_cannot_be_measured_as_absent(colour_bundle):
    frame = picture(("blue", (0, 0, 128, 80)))
    with pytest.raises(IsfpError, match="'blue blue blue' has the score 1 in this frame"):
        bench(BenchPlan(Contestant("own", colour_bundle), frame, ("blue blue blue",), runs=1, absent=True))


def test_rivals_are_runtimes_entry_points_and_folders(colour_bundle, other):
    own = Contestant("own", colour_bundle, "onnxruntime", 2)
    cuda, another = contestants(own, ["onnxruntime:cuda", str(other)])
    assert (cuda.runtime, cuda.bundle, cuda.threads) == ("onnxruntime:cuda", colour_bundle, 2)
    assert (another.runtime, another.bundle, another.same_weights) == ("onnxruntime", other, False)
    everything = [one.name for one in contestants(own, ["all"])]
    assert "onnxruntime:cuda" in everything
    assert "onnxruntime" not in everything
    with pytest.raises(IsfpError, match="no such rival; expected one of tensorrt, tensorrt-rtx, onnxruntime"):
        contestants(own, ["warp"])
    with pytest.raises(IsfpError, match="names a rival twice"):
        contestants(own, ["tensorrt", "tensorrt"])


def test_a_bundle_is_not_measured_against_itself_under_one_name(colour_bundle):
    with pytest.raises(IsfpError, match="this is what is measured"):
        contestants(Contestant(str(colour_bundle), colour_bundle), [str(colour_bundle)])


FAULTY = """
import os

from isfp.diagnose.bench.rivals import Rival
from isfp.runtimes.onnxruntime import OnnxRuntime


class Faulty(OnnxRuntime):
    def _load(self, bundle, stage):
        runner, runs = super()._load(bundle, stage), []

        def run(**inputs):
            runs.append(stage)
            if len(runs) > 6:  # in the second turn
                raise ZeroDivisionError("division of nothing")
            return runner(**inputs)

        return run


def make(bundle, option, threads, checkpoint):
    if option == "late":
        return Faulty(threads)
    if option == "crash":
        os._exit(3)
    raise KeyError("no such layer")


RIVAL = Rival(("", "late", "crash"), make)
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """Install a package whose rival `faulty` fails: at once, in a later turn, or by ending its process."""
    (tmp_path / "faulty_rival.py").write_text(FAULTY)
    (tmp_path / "faulty_rival-1.dist-info").mkdir()
    (tmp_path / "faulty_rival-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty_rival\nVersion: 1\n")
    (tmp_path / "faulty_rival-1.dist-info" / "entry_points.txt").write_text("[isfp.rivals]\nfaulty = faulty_rival:RIVAL\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_rival_that_fails_is_reported_with_its_reason_and_the_others_go_on(colour_bundle, faulty):
    own = Contestant("own", colour_bundle, "onnxruntime")
    names = ["faulty", "faulty:late", "faulty:crash", "onnxruntime:cpu"]
    rivals = tuple(contestants(own, names))
    report = bench(BenchPlan(own, FRAME, ("red",), rivals, runs=6, skip_missing=True))
    assert list(report.rivals) == ["onnxruntime:cpu"]
    assert report.rivals["onnxruntime:cpu"].total.runs == report.own.total.runs == 6
    assert report.failed["faulty"] == "KeyError: 'no such layer'"
    assert report.failed["faulty:late"] == "ZeroDivisionError: division of nothing"
    assert "its process ended" in report.failed["faulty:crash"]
    assert report.passed_over == {}
    assert json.loads(json.dumps(report.to_json()))["failed"] == report.failed


def test_a_rival_that_was_asked_for_by_name_and_fails_is_an_error_with_its_reason(colour_bundle, faulty):
    own = Contestant("own", colour_bundle, "onnxruntime")
    rivals = tuple(contestants(own, ["faulty"]))
    with pytest.raises(IsfpError, match=r"^faulty failed \(KeyError: 'no such layer'\)\. Leave it out"):
        bench(BenchPlan(own, FRAME, ("red",), rivals, runs=1))


def test_all_names_every_rival_and_also_one_that_cannot_be_imported(colour_bundle, faulty, tmp_path):
    own = Contestant("own", colour_bundle, "onnxruntime")
    assert {"faulty", "faulty:late", "faulty:crash"} <= {one.name for one in contestants(own, ["all"])}
    sys.modules.pop("faulty_rival", None)
    (tmp_path / "faulty_rival.py").write_text("raise OSError('libfaulty.so is damaged')")
    assert "faulty" in {one.name for one in contestants(own, ["all"])}


def test_bundles_of_one_name_in_two_folders_have_a_row_each(colour_bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (".", "a", "b"):
        write_colour_bundle(tmp_path / folder / "one.isfp")
    own = Contestant("a/one.isfp", Path("a/one.isfp"))
    report = bench(BenchPlan(own, FRAME, ("red",), tuple(contestants(own, ["b/one.isfp", "one.isfp"])), runs=1))
    assert list(report.speedup_against) == ["b/one.isfp", "one.isfp"]
    assert report.own_name == "a/one.isfp"
    assert replace(report, rivals={"b/one.isfp": report.own}).own_name == "one.isfp"


def test_a_rival_without_its_packages_says_what_to_install(colour_bundle, monkeypatch):
    monkeypatch.delitem(sys.modules, "isfp_export.rivals.torch_network", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RuntimeUnavailableError, match=r"eager needs the module 'torch'.*isfp\[export\]"):
        Contestant("eager", colour_bundle, "eager").open_runtime()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(RuntimeUnavailableError, match=r"onnx (is|are) not installed.*isfp\[openvino\]"):
        Contestant("openvino", colour_bundle, "openvino").open_runtime()


def test_all_takes_openvino_in_each_precision_and_int8_where_it_was_built(colour_bundle, tmp_path):
    pytest.importorskip("openvino", reason='OpenVINO is not installed: pip install "isfp[openvino]"')
    copy = Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))
    names = [one.name for one in contestants(Contestant("own", copy), ["all"])]
    assert {"openvino", "openvino:bf16"} <= set(names)
    assert not {"openvino:int8", "onnxruntime"} & set(names)
    if "INT8" in CAPABILITIES:
        write_cpu_engine(copy)
        names = [one.name for one in contestants(Contestant("own", copy, "openvino:int8"), ["all"])]
        assert {"onnxruntime", "openvino", "openvino:bf16"} <= set(names)
        assert "openvino:int8" not in names


def test_more_phrases_than_the_vocabulary_has_are_refused(colour_bundle):
    with pytest.raises(IsfpError, match="9 phrases were asked for"):
        bench(BenchPlan(Contestant("own", colour_bundle), FRAME, ("red",), runs=1, phrases=(9,)))


def test_the_default_frame_shows_something():
    from isfp.steps.contrast import has_contrast

    frame = default_frame()
    assert frame.shape == (720, 1280, 3)
    assert has_contrast(frame)


class TestTheCommand:
    def test_compares_with_an_earlier_report_and_fails_above_a_bound(self, isfp, colour_bundle, tmp_path):
        command = ("bench", colour_bundle, "--runs", 1, "--json")
        earlier = json.loads(isfp(*command)[1])
        before = tmp_path / "before.json"
        before.write_text(json.dumps(earlier))
        code, out, _ = isfp(*command, "--compare", before, "--fail-above", 1000)
        assert code == 0
        assert json.loads(out)["slowdown"]["total"] > 0
        earlier["milliseconds"]["total"]["median"] = 1e-6
        before.write_text(json.dumps(earlier))
        code, out, messages = isfp(*command, "--compare", before, "--fail-above", 1.1)
        assert code == 1
        assert json.loads(out)["slowdown"]["total"] > 1.1
        assert "--fail-above allows 1.1" in messages

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"threads": 99}, "threads is 99"),
            ({"facts": {"processor": "Z80"}}, "'Z80'"),
            ({"version": 9}, "not a report of this version"),
        ],
    )
    def test_refuses_an_earlier_report_of_something_else(self, isfp, colour_bundle, tmp_path, change, message):
        earlier = json.loads(isfp("bench", colour_bundle, "--runs", 1, "--json")[1])
        before = tmp_path / "before.json"
        before.write_text(json.dumps({**earlier, **change}))
        code, _, messages = isfp("bench", colour_bundle, "--runs", 1, "--compare", before)
        assert code == 1
        assert message in messages.replace("\n", " ")

    def test_passes_over_what_cannot_run_here_where_all_were_asked_for(self, isfp, colour_bundle, monkeypatch, tmp_path):
        monkeypatch.setattr("isfp.diagnose.bench.rivals.entry_points", lambda group: [])
        code, out, _ = isfp("bench", colour_bundle, "--runs", 1, "--against", "all", "--json", "--plot", tmp_path / "bench.png")
        assert code == 0
        fields = json.loads(out)
        others = {f"onnxruntime:{name}" for name in CHAINS if name != "cpu"} | {"openvino", "openvino:bf16"}
        assert fields["passed_over"].keys() | fields["rivals"].keys() == others
        assert (tmp_path / "bench.png").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--fail-above", "1.1"], "--fail-above needs --compare"),
            (["--plot", "bench.jpg"], "ends in .png"),
            (["--phrases", "1,x"], "expected whole numbers"),
            (["--phrases", "0"], "expected whole numbers"),
        ],
    )
    def test_refuses_options_that_make_no_sense(self, isfp, colour_bundle, monkeypatch, arguments, message):
        monkeypatch.setenv("COLUMNS", "200")
        code, _, messages = isfp("bench", colour_bundle, *arguments)
        assert code == 2
        assert message in messages
