"""Engines: put in place whole or not at all, built by the real TensorRT-RTX, and errors that say what to type."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import types
from pathlib import Path

import pytest

from isfp.bundle.atomic_folder import atomic_folder
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import BETWEEN_STAGES, FIND
from isfp.engines.choice import Machine, engines_of, mismatches, sources_of
from isfp.engines.gpu import Gpu
from isfp.engines.plans import read_plan
from isfp.engines.record import Precision, Span
from isfp_export.engines import tensorrt as tensorrt_build
from isfp_export.engines.build import BuildResult, build_engine
from isfp_export.engines.builder import BuildError, Profile
from isfp_export.engines.layers import EnginePrecisionError
from isfp_export.engines.tensorrt import TensorRTBuilder, tensorrt_builder
from isfp_export.engines.tensorrt_rtx import rtx_builder
from isfp_export.precision.convert import convert, joined
from isfp_export.precision.frames import scenes
from isfp_train import seeds

PROFILE = Profile(Span(1, 1, 8), Span(1, 1, 3))
KEPT = Path(__file__).with_name("rtx_layers.json")
needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None, reason='TensorRT-RTX is not installed: pip install "isfp[rtx]"'
)


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with atomic_folder(tmp_path / "engines" / "key") as folder:
            (folder / "image.plan").write_bytes(b"half of it")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "engines").iterdir()) == []


def test_a_failed_build_leaves_the_engine_that_was_there(tmp_path: Path) -> None:
    place = tmp_path / "engines" / "key"
    with atomic_folder(place) as folder:
        (folder / "image.plan").write_bytes(b"first")
    with pytest.raises(BuildError), atomic_folder(place):
        raise BuildError("no")
    assert (place / "image.plan").read_bytes() == b"first"
    with atomic_folder(place) as folder:
        (folder / "image.plan").write_bytes(b"second")
    assert (place / "image.plan").read_bytes() == b"second"


def test_a_build_under_way_is_no_engine(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, None)  # type: ignore[arg-type]
    with atomic_folder(tmp_path / "engines" / "key") as folder:
        (folder / "engine.json").write_text("{}")
        assert engines_of(bundle) == []
    assert [engine.key for engine in engines_of(bundle)] == ["key"]


def test_without_tensorrt_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BuildError, match=r"sudo apt install nvidia-jetpack.*pip install tensorrt.*--runtime tensorrt-rtx"):
        tensorrt_builder(None, Precision.FP16, PROFILE, None, None, None)


@pytest.mark.parametrize(
    ("version", "gpu", "target", "precision", "said"),
    [
        ("8.6.1", Gpu("Orin", "87", "12.6", None), None, Precision.FP16, "TensorRT is 8.6.1; expected 10.3"),
        ("10.3.0", None, None, Precision.FP16, "but this machine has none"),
        ("10.3.0", Gpu("Orin", "87", "12.6", None), "sm89", Precision.FP16, "this machine's Orin is sm87"),
        ("11.1.0", Gpu("Orin", "87", "12.6", None), None, Precision.FP8, "FP8 needs sm89"),
    ],
)
def test_tensorrt_refuses_what_cannot_be_before_it_builds(
    monkeypatch: pytest.MonkeyPatch, version: str, gpu: Gpu | None, target: str | None, precision: str, said: str
) -> None:
    module = types.ModuleType("tensorrt")
    module.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    monkeypatch.setattr(tensorrt_build, "first_gpu", lambda: gpu)
    with pytest.raises(BuildError, match=said):
        tensorrt_builder(target, precision, PROFILE, None, None, None)


def test_without_tensorrt_rtx_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    with pytest.raises(BuildError, match=r'pip install "isfp\[rtx\]"'):
        rtx_builder("sm89", Precision.FP16, PROFILE, None)


@needs_rtx
@pytest.mark.parametrize(
    ("target", "precision", "said"),
    [
        (None, Precision.FP16, "sm86.*sm89.*sm120"),
        ("sm87", Precision.FP16, "Jetson has no TensorRT-RTX"),
        ("sm86", Precision.FP8, "FP8 needs sm89"),
    ],
)
def test_tensorrt_rtx_refuses_targets_that_it_has_not(target: str | None, precision: str, said: str) -> None:
    with pytest.raises(BuildError, match=said):
        rtx_builder(target, precision, PROFILE, None)


@needs_rtx
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_timings_are_kept_from_build_to_build(tmp_path: Path) -> None:
    """With TensorRT-RTX's module in TensorRT's place: the calls are the same, and the cache stays empty."""
    import tensorrt_rtx as trt

    cache = tmp_path / "new" / "timings"
    builder = TensorRTBuilder(trt, Gpu("RTX", "89", "13.0", None), PROFILE, cache)
    for _ in range(2):
        config = trt.Builder(builder.log).create_builder_config()
        builder.configure(config)
        builder._save_timings(config)
        assert cache.stat().st_size > 0
    assert [file.name for file in cache.parent.iterdir()] == ["timings"]


@pytest.fixture(scope="module")
def rtx_engine(exported: Path) -> BuildResult:
    return build_engine(Bundle.open(exported), rtx_builder("sm89", Precision.FP16, PROFILE, None), Precision.FP16)


@needs_rtx
@pytest.mark.slow
def test_rtx_builds_all_stages_in_half(exported: Path, rtx_engine: BuildResult) -> None:
    for stage, entry in rtx_engine.report.items():
        assert entry["products"].get("fp16", 0) > 0, stage
        assert set(entry["products"]) <= {"fp16", "fp32"}
    assert "fp32" not in rtx_engine.report["identify"]["products"]
    bundle = Bundle.open(exported)
    assert rtx_engine.folder.name == rtx_engine.record.key
    machine = Machine("tensorrt-rtx", rtx_engine.record.runtime_version, "89")
    assert mismatches(rtx_engine.record, machine, sources_of(bundle)) == []
    for stage in rtx_engine.report:
        assert len(read_plan(bundle.path, rtx_engine.record.key, rtx_engine.record, stage)) == rtx_engine.report[stage]["bytes"]


@needs_rtx
@pytest.mark.slow
@pytest.mark.parametrize(("precision", "kind"), [(Precision.FP16, "Half"), (Precision.FP32, "Float")])
def test_only_what_stays_on_the_device_is_half_at_the_borders_of_an_engine(exported: Path, precision: Precision, kind: str) -> None:
    bundle = Bundle.open(exported)
    stages = convert(bundle, precision)
    stages[FIND] = joined(stages, bundle.manifest.grid)
    found: dict[str, set[str]] = {}
    for name in ("image", "identify", "mask", FIND):
        builder = rtx_builder("sm89", precision, PROFILE, None)
        builder.build(bundle.manifest.stage(name), stages[name].model)
        (listed,) = (text for _, text in builder.messages if text.startswith("Layers:"))
        for tensor, given in re.findall(r"Name: (\w+), IOMode: \w+, DataType: (\w+)", listed.partition("I/O Tensors:")[2]):
            found.setdefault(tensor, set()).add(given)
    host = {"frame": {"UInt8"}, "phrases": {"Float"}, "cells": {"Int32"}, "identifying": {"Float"}, "masks": {"Float"}}
    assert found == {**host, **{name: {kind} for name in BETWEEN_STAGES}}


@needs_rtx
@pytest.mark.slow
def test_layers_are_those_of_the_kept_report(rtx_engine: BuildResult) -> None:
    """Builders of other versions fuse otherwise, so counts may differ by a third; what products compute in may not."""
    kept = json.loads(KEPT.read_text())["stages"]
    assert set(kept) | {FIND} == set(rtx_engine.report)
    for stage, entry in rtx_engine.report.items():
        if stage == FIND:
            continue
        assert entry["products"] == kept[stage]["products"], stage
        assert entry["layers"] == pytest.approx(kept[stage]["layers"], rel=1 / 3), stage
        for kind, count in kept[stage]["kinds"].items():
            if count > 9:
                assert entry["kinds"].get(kind, 0) == pytest.approx(count, rel=0.5), (stage, kind)


@needs_rtx
@pytest.mark.slow
def test_the_one_graph_has_the_products_of_its_parts_and_few_layers_more(rtx_engine: BuildResult) -> None:
    report = rtx_engine.report
    parts = [report[stage] for stage in ("image", "identify", "mask")]
    for precision in ("fp16", "fp32"):
        assert report[FIND]["products"].get(precision, 0) == sum(part["products"].get(precision, 0) for part in parts)
    assert report[FIND]["layers"] <= sum(part["layers"] for part in parts) + 40  # the lookup
    assert rtx_engine.record.plans[FIND].file == "find.plan"


@needs_rtx
@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "precision"),
    [("sm86", Precision.INT8), ("sm120", Precision.INT8), ("sm89", Precision.FP8), ("sm120", Precision.FP16)],
)
def test_rtx_builds_other_targets_and_precisions(
    exported: Path, target: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isfp_export.precision import ranges as quantise_ranges

    # In a network that hardly trained FP8's noise is near the bar everywhere; here it matters that what is quantised is built so.
    monkeypatch.setitem(quantise_ranges.LEAST_RATIOS, Precision.FP16, 24.0)
    bundle = Bundle.open(exported)
    frames = [] if precision == Precision.FP16 else scenes(bundle, 2, seeds.QUANTISATION.start)
    result = build_engine(bundle, rtx_builder(target, precision, PROFILE, None), precision, [], frames)  # type: ignore[arg-type]
    assert result.record.sm == target[2:]
    counts = {kind: sum(entry["products"].get(kind, 0) for entry in result.report.values()) for kind in ("fp16", precision)}
    assert min(counts.values()) > 0


@needs_rtx
@pytest.mark.slow
def test_a_builders_refusal_ends_with_its_own_words(exported: Path) -> None:
    import onnx

    model = onnx.load(exported / "image.onnx")
    for node in model.graph.node:
        node.input[:] = ["moved" if name == "frame" else name for name in node.input]
    # TensorRT takes UINT8 into a Cast alone.
    model.graph.node.insert(0, onnx.helper.make_node("Transpose", ["frame"], ["moved"], perm=[0, 2, 1, 3]))
    builder = rtx_builder("sm89", Precision.FP16, PROFILE, None)
    with pytest.raises(BuildError, match=r"(?is)tensorrt_rtx \S+ cannot parse the image stage. It says: .*UINT8"):
        builder.build(Bundle.open(exported).manifest.stages["image"], model)


@needs_rtx
@pytest.mark.slow
def test_an_engine_that_is_not_what_was_asked_is_not_kept(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isfp_export.engines import build as builds

    def lies(bundle: Bundle, precision: str, keep: object, frames: object) -> dict:
        wide = convert(bundle, "fp32")
        for name, stage in convert(bundle, Precision.FP16).items():
            wide[name].precisions.update(stage.precisions)
        return wide

    monkeypatch.setattr(builds, "convert", lies)
    before = engines_of(Bundle.open(exported))
    with pytest.raises(EnginePrecisionError, match="computes in fp32, expected fp16"):
        build_engine(Bundle.open(exported), rtx_builder("sm75", Precision.FP16, PROFILE, None), Precision.FP16)
    assert engines_of(Bundle.open(exported)) == before
