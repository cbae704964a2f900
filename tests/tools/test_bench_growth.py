import json
from dataclasses import replace

import cv2
import onnx
import pytest
from rich.console import Console

import bench_growth
from bench_growth import EACH_FRAME, draw, export, growth, shares_of_peak, untrained
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import STAGES
from tests.paths import ROOT
from tests.train.tiny import tiny


@pytest.mark.slow
def test_equal_networks_are_exported_once_each_in_another_process():
    one, other = replace(tiny().network, grid=4), replace(tiny().network, grid=5)
    exported = export([one, other, one], Console(stderr=True))
    assert set(exported) == {one, other}
    assert set(exported[one]) == set(EACH_FRAME)


@pytest.mark.slow
def test_what_was_measured_before_an_interrupt_is_kept(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench_growth, "export", interrupted)
    path = tmp_path / "growth.json"
    with pytest.raises(KeyboardInterrupt):
        bench_growth.main(ROOT / "models" / "edge.isfp", rounds=1, threads=1, save_to=path)
    report = json.loads(path.read_text())
    assert report["complete"] is False
    assert list(report["growth"]) == ["number of phrases"]
    assert report["share_of_peak"].keys() == set(EACH_FRAME)


@pytest.mark.slow
def test_an_untrained_network_is_measured_with_several_phrases_and_drawn(tmp_path):
    models = untrained(replace(tiny().network, grid=4))
    phrases = growth({count: (models, count) for count in (1, 2)}, rounds=1, threads=1)
    assert list(phrases) == [1, 2]
    assert list(phrases[1]) == list(EACH_FRAME)
    assert all(timing.runs == 3 and timing.least > 0 for stages in phrases.values() for timing in stages.values())
    draw(dict.fromkeys(("a", "b", "c", "d"), phrases), tmp_path / "growth.png", "tiny")
    assert cv2.imread(str(tmp_path / "growth.png")).std() > 1


def test_the_share_of_the_peak_is_that_of_a_stage_s_arithmetic(colour_bundle):
    bundle = Bundle.open(colour_bundle)
    models = {stage: onnx.load_from_string(bundle.read(bundle.manifest.stages[stage].file)) for stage in STAGES}
    peak, shares = shares_of_peak(bundle, models, rounds=1, threads=1)
    assert list(shares) == list(EACH_FRAME)
    for row in shares.values():
        assert row["gflops"] == pytest.approx(row["gflop"] / row["median_ms"] * 1e3)
        assert row["share"] == pytest.approx(row["gflops"] / peak)
    assert shares["image"]["gflop"] == pytest.approx(2 * 64 * 64 * 9 / 1e9)
