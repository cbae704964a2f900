"""The stage `find` gives what the four stages give: on the shipped bundle, and in a Segmenter, which takes it where it helps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from isfp import Segmenter, pictures
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import BETWEEN_STAGES, FIND
from isfp.engines.record import Precision, Span
from isfp.video import Smoother
from isfp_export.onnx.one_graph import PARTS, one_graph
from isfp_export.precision.convert import convert, full, joined
from isfp_export.precision.frames import PreparedFrame, stage_feeds
from isfp_export.precision.run import StageSession
from tests.paths import ROOT
from tests.sdk.colour_bundle import picture
from tests.sdk.counting_runtime import CountingRuntime
from tests.sdk.host_device import HostRuntime

BUNDLE, DEMO = ROOT / "models" / "edge.isfp", ROOT / "assets" / "demo"
# Largest difference of a logit, as a share of the largest: for one channel instead of any number, runtimes add in another order.
FP32, FP16 = 1e-4, 5e-3


def demo_frames(bundle: Bundle) -> list[PreparedFrame]:
    vocabulary, most = bundle.vocabulary(), bundle.manifest.max_words
    frames = []
    for name, texts in json.loads((DEMO / "phrases.json").read_text(encoding="utf-8")).items():
        view, letterbox = bundle.manifest.framing.fit(pictures.read(DEMO / name))
        phrases = [vocabulary.encode(text, most) for text in texts]
        words, lengths = np.stack([phrase.ids for phrase in phrases]), [phrase.length for phrase in phrases]
        frames.append(PreparedFrame(view, letterbox, words.astype(np.int32), np.array(lengths, np.int32)))
    return frames


@pytest.mark.slow
def test_on_the_shipped_bundle_it_equals_the_four_stages() -> None:
    bundle = Bundle.open(BUNDLE)
    stages = full(bundle)
    find = StageSession(one_graph(stages, bundle.manifest.grid), threads=1)
    count = 0
    for feed in stage_feeds({name: StageSession(model, threads=1) for name, model in stages.items()}, demo_frames(bundle)):
        found = find.run(feed)
        np.testing.assert_array_equal(found["cells"], feed["cells"])
        np.testing.assert_allclose(found["identifying"], feed["identifying"], atol=1e-6)
        assert np.abs(found["masks"] - feed["masks"]).max() <= FP32 * np.abs(feed["masks"]).max()
        for name in ("visual_large", "visual_medium", "visual_small"):
            np.testing.assert_array_equal(found[name], feed[name])
        different = (found["masks"] > 0) != (feed["masks"] > 0)
        assert different.mean() <= 1e-5
        count += len(found["cells"])
    assert count >= 12


@pytest.mark.slow
def test_in_half_precision_values_between_stages_stay_in_half_precision_and_the_answers_are_the_same() -> None:
    bundle = Bundle.open(BUNDLE)
    stages = convert(bundle, Precision.FP16)
    find = joined(stages, bundle.manifest.grid)
    assert not [node.name for node in find.model.graph.node if node.op_type == "Cast" and BETWEEN_STAGES & set(node.input)]
    for model in (*(stages[name].model for name in PARTS), find.model):
        types = {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
        halves = {name for name, kind in types.items() if kind == onnx.TensorProto.FLOAT16}
        assert halves == types.keys() & BETWEEN_STAGES
    assert len(find.precisions) == sum(len(stages[name].precisions) for name in PARTS)
    assert set(find.precisions) <= {node.name for node in find.model.graph.node}

    sessions = {name: StageSession(stage.model, threads=1) for name, stage in stages.items()}
    together = StageSession(find.model, threads=1)
    for feed in stage_feeds(sessions, demo_frames(bundle)[:2]):
        found = together.run(feed)
        np.testing.assert_array_equal(found["cells"], feed["cells"])
        np.testing.assert_allclose(found["identifying"], feed["identifying"], atol=1e-5)
        assert np.abs(found["masks"] - feed["masks"]).max() <= FP16 * np.abs(feed["masks"]).max()


SCENE = picture(("red", (8, 20, 40, 52)), ("blue", (80, 40, 120, 80)))
EMPTY = picture(("green", (8, 20, 40, 52)))


@pytest.fixture
def find_model(colour_bundle: Path) -> bytes:
    bundle = Bundle.open(colour_bundle)
    stages = {name: onnx.load_from_string(bundle.read(stage.file)) for name, stage in bundle.manifest.stages.items()}
    return one_graph(stages, bundle.manifest.grid).SerializeToString()


@pytest.fixture
def runtime(find_model: bytes) -> HostRuntime:
    return HostRuntime(find=find_model)


@pytest.fixture
def segmenter(colour_bundle: Path, runtime: HostRuntime) -> Iterator[Segmenter]:
    with Segmenter(colour_bundle, runtime) as segmenter:
        yield segmenter


@pytest.fixture
def plain(colour_bundle: Path) -> Iterator[Segmenter]:
    with Segmenter(colour_bundle, CountingRuntime()) as segmenter:
        yield segmenter


def hold_equal(ours: Segmenter, theirs: Segmenter, frame: np.ndarray, texts: list[str]) -> None:
    for a, b in zip(ours.run(frame, texts), theirs.run(frame, texts), strict=True):
        assert (a.found, a.box, a.cell, a.reason, a.pieces) == (b.found, b.box, b.cell, b.reason, b.pieces)
        np.testing.assert_array_equal(a.mask, b.mask)
        np.testing.assert_allclose(a.identifying_map, b.identifying_map, atol=1e-6)


def test_a_frame_with_phrases_that_were_found_is_one_launch_and_one_wait(segmenter: Segmenter, runtime: HostRuntime) -> None:
    for _ in range(4):
        steps = segmenter.run(SCENE, ["red", "blue"])[0].milliseconds
    assert {"find"} <= set(steps)
    assert "image" not in steps
    stages, device = runtime.stages, runtime.device
    before = {name: stage.replayed for name, stage in stages.items()}
    device.uploads.clear()
    device.downloads.clear()
    waits = device.waits
    segmenter.run(SCENE, ["red", "blue"])
    after = {name: stage.replayed for name, stage in stages.items()}
    assert {name for name in after if after[name] != before[name]} == {FIND}
    assert device.uploads == [64 * 64 * 3, 2 * 3 * 4]
    assert device.downloads == [2 * 16 * 4, 2 * 4, 2 * 64 * 64 * 4]
    assert device.waits - waits == 1


def test_results_are_those_of_the_four_stages_as_objects_come_and_go(segmenter: Segmenter, plain: Segmenter) -> None:
    for frame in (SCENE, SCENE, EMPTY, EMPTY, SCENE, SCENE, SCENE):
        hold_equal(segmenter, plain, frame, ["red", "blue", "Red!"])
        hold_equal(segmenter, plain, frame, ["the red thing"])


def test_a_phrase_that_was_not_found_last_time_runs_no_mask(segmenter: Segmenter, runtime: HostRuntime) -> None:
    for frame in (SCENE, SCENE, EMPTY):
        segmenter.run(frame, "red")
    runtime.device.downloads.clear()
    segmenter.run(EMPTY, "red")
    assert runtime.device.downloads == [16 * 4]


def test_more_phrases_than_the_profile_holds_run_in_stages(colour_bundle: Path, find_model: bytes, plain: Segmenter) -> None:
    with Segmenter(colour_bundle, HostRuntime(phrases=Span(1, 1, 1), find=find_model)) as segmenter:
        for _ in range(3):
            hold_equal(segmenter, plain, SCENE, ["red", "blue"])


def test_further_questions_about_the_frame_need_no_image_stage(
    segmenter: Segmenter, runtime: HostRuntime, plain: Segmenter
) -> None:
    for _ in range(3):
        segmenter.run(SCENE, "red")
    view, other = segmenter.look(SCENE, ["red"]), plain.look(SCENE)
    count = len(runtime.device.uploads)
    np.testing.assert_array_equal(view.find("red").mask, other.find("red").mask)
    assert len(runtime.device.uploads) == count
    for a, b in zip(view.candidates("red", 2), other.candidates("red", 2), strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)
    np.testing.assert_array_equal(view.find("blue").mask, other.find("blue").mask)
    np.testing.assert_array_equal(view.masks(["red", "blue"], [[3], [5]]), other.masks(["red", "blue"], [[3], [5]]))


def test_a_cell_that_differs_from_the_sdks_is_not_used(colour_bundle: Path, find_model: bytes, plain: Segmenter) -> None:
    model = onnx.load_from_string(find_model)
    cast = next(node for node in model.graph.node if node.name == "lookup/to_index")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 1), np.float32), "wrong"))
    model.graph.node.insert(
        list(model.graph.node).index(cast), onnx.helper.make_node("Mul", [cast.input[0], "wrong"], ["wrong_cell"], name="wrong")
    )
    cast.input[0] = "wrong_cell"
    with Segmenter(colour_bundle, HostRuntime(find=model.SerializeToString())) as segmenter:
        for _ in range(3):
            hold_equal(segmenter, plain, SCENE, ["red", "blue"])


def test_smoothed_video_uses_it_too(segmenter: Segmenter, runtime: HostRuntime, plain: Segmenter) -> None:
    ours, theirs = Smoother(segmenter), Smoother(plain)
    for frame in (SCENE, SCENE, SCENE, EMPTY, EMPTY, EMPTY, SCENE, SCENE):
        for a, b in zip(ours.run(frame, ["red", "blue"]), theirs.run(frame, ["red", "blue"]), strict=True):
            assert (a.found, a.box, a.cell) == (b.found, b.box, b.cell)
            np.testing.assert_array_equal(a.mask, b.mask)
    assert runtime.stages[FIND].replayed > 0


@pytest.fixture
def half_runtime(colour_bundle: Path) -> HostRuntime:
    bundle = Bundle.open(colour_bundle)
    stages = convert(bundle, Precision.FP16)
    find = joined(stages, bundle.manifest.grid).model.SerializeToString()
    return HostRuntime(stages={name: stage.model.SerializeToString() for name, stage in stages.items()}, find=find)


def test_in_half_precision_maps_take_half_the_memory_on_the_device_and_are_single_for_the_host(
    colour_bundle: Path, half_runtime: HostRuntime
) -> None:
    bundle = Bundle.open(colour_bundle)
    frame, phrases = bundle.manifest.framing.fit(SCENE)[0], np.eye(3, dtype=np.float32)
    image, identify, find = (half_runtime.load(bundle, name) for name in ("image", "identify", FIND))
    for maps in (image(frame=frame), {name: find(frame=frame, phrases=phrases)[name] for name in BETWEEN_STAGES}):
        for value in maps.values():
            assert (value.stored, value.dtype, np.asarray(value).dtype) == (np.float16, np.float32, np.float32)
            assert int(np.prod(value.shape)) * 2 in half_runtime.device.allocations
        half_runtime.device.uploads.clear()
        on_device = np.array(identify(**maps, phrases=phrases)["identifying"])
        assert half_runtime.device.uploads == [phrases.nbytes]
        on_host = {name: np.asarray(value) for name, value in maps.items()}
        np.testing.assert_array_equal(np.array(identify(**on_host, phrases=phrases)["identifying"]), on_device)


def test_a_segmenter_of_half_precision_stages_answers_alike(
    colour_bundle: Path, half_runtime: HostRuntime, plain: Segmenter
) -> None:
    with Segmenter(colour_bundle, half_runtime) as segmenter:
        for frame in (SCENE, SCENE, EMPTY, SCENE, SCENE, SCENE):
            for a, b in zip(segmenter.run(frame, ["red", "blue"]), plain.run(frame, ["red", "blue"]), strict=True):
                assert (a.found, a.cell) == (b.found, b.cell)
                assert (a.mask != b.mask).mean() <= 2e-3
        assert half_runtime.stages[FIND].replayed > 0
