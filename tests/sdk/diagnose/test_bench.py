import json
import time

import pytest

from isfp import IsfpError, Segmenter
from isfp.diagnose.bench import Timing, bench, interleave
from tests.sdk.colour_bundle import picture


def test_a_timing_sums_up_single_runs():
    timing = Timing.from_runs([1.0, 2.0, 3.0, 4.0, 100.0])
    assert (timing.median, timing.least, timing.runs) == (3.0, 1.0, 5)
    assert 4 < timing.p95 < timing.p99 < 100


def test_things_are_run_in_turn_after_warming_up():
    ran = []
    timings = interleave({"a": lambda: ran.append("a"), "b": lambda: (ran.append("b"), time.sleep(0.002))}, 3, 1)
    assert "".join(ran) == "ab" + "ab" * 3
    assert timings["b"].median > 1.9 > timings["a"].median


def test_every_step_is_timed_and_the_mask_stage_runs_though_nothing_is_found(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        report = bench(segmenter, picture(("blue", (8, 20, 40, 52))), ["green", "red"], runs=4)
        assert segmenter.threshold == 0.5
    assert json.loads(json.dumps(report.to_json()))["milliseconds"]["total"]["runs"] == 4
    steps = report.milliseconds
    assert list(steps) == ["frame", "image", "text", "identify", "lookup", "mask", "restore", "total"]
    assert steps["mask"].least > 0.01
    assert steps["total"].runs == 4
    assert (report.frame, report.view, report.phrases) == ((96, 128), (64, 64), 2)


def test_a_frame_or_phrase_that_runs_no_mask_stage_is_refused(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        with pytest.raises(IsfpError, match="would not run for 'red': the frame is one flat colour"):
            bench(segmenter, picture(), ["red"], runs=1)
        with pytest.raises(IsfpError, match="would not run for 'zork': no word of the phrase is known"):
            bench(segmenter, picture(("red", (8, 20, 40, 52))), ["red", "zork"], runs=1)
