import logging

import numpy as np
import pytest

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import Stage, Tensor
from isfp.engines.record import Span
from isfp.errors import EngineMismatchError, RuntimeFailedError
from isfp.runtimes.buffers import stage_buffers
from isfp.runtimes.device import DeviceArray
from tests.sdk.colour_bundle import GRID, HEIGHT, WIDTH, WORDS, picture
from tests.sdk.host_device import HostRuntime

PHRASES = ["red", "the green thing", "blue", "the red thing"]


@pytest.fixture
def frames():
    places = np.random.default_rng(0).integers(0, 60, (3, 2))
    return [picture(("red", (x, y, x + 40, y + 30)), ("blue", (90, 50, 126, 94))) for x, y in places]


@pytest.mark.parametrize("most", [8, 2, 1])
@pytest.mark.parametrize("captures", [True, False])
def test_a_segmenter_on_device_memory_equals_one_on_onnx_runtime(colour_bundle, frames, most, captures):
    spans = {"phrases": Span(1, 1, most), "candidates": Span(1, 1, 2)}
    with (
        Segmenter(colour_bundle, HostRuntime(**spans, captures=captures)) as ours,
        Segmenter(colour_bundle, "onnxruntime") as theirs,
    ):
        for frame in frames:
            for texts in (PHRASES, PHRASES[:1], PHRASES[:3], PHRASES[:3]):
                for a, b in zip(ours.run(frame, texts), theirs.run(frame, texts), strict=True):
                    assert (a.found, a.box, a.cell) == (b.found, b.box, b.cell)
                    np.testing.assert_allclose(a.identifying_map, b.identifying_map, atol=1e-6)
                    np.testing.assert_array_equal(a.mask, b.mask)
            for a, b in zip(ours.candidates(frame, "red", 5), theirs.candidates(frame, "red", 5), strict=True):
                np.testing.assert_array_equal(a.mask, b.mask)


def test_the_identifying_map_is_the_only_copy_back_before_the_mask(colour_bundle):
    runtime = HostRuntime()
    segmenter = Segmenter(colour_bundle, runtime)
    frame = picture(("red", (10, 10, 60, 60)))
    segmenter.run(frame, "red")
    runtime.device.downloads.clear()
    segmenter.run(frame, "green")  # new, and not there
    text, identifying = 3 * 4, GRID * GRID * 4
    assert runtime.device.downloads == [text, identifying]
    runtime.device.downloads.clear()
    segmenter.run(frame, "red")
    assert runtime.device.downloads == [identifying, HEIGHT * WIDTH * 4]


def test_visual_maps_never_leave_the_device_but_can_be_asked_for(colour_bundle):
    runtime = HostRuntime()
    bundle = Bundle.open(colour_bundle)
    image, identify = runtime.load(bundle, "image"), runtime.load(bundle, "identify")
    frame = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, WIDTH, 3), np.uint8)
    maps = image(frame=frame)
    assert all(isinstance(value, DeviceArray) for value in maps.values())
    phrases = np.eye(3, dtype=np.float32)
    on_device = np.array(identify(**maps, phrases=phrases)["identifying"])
    assert runtime.device.uploads == [frame.nbytes, phrases.nbytes]
    on_host = np.array(identify(**{name: np.asarray(value) for name, value in maps.items()}, phrases=phrases)["identifying"])
    np.testing.assert_array_equal(on_device, on_host)
    assert np.asarray(maps["visual_large"]).std() > 0


def test_buffers_are_made_once_at_the_profiles_size_and_used_again(colour_bundle, frames):
    runtime = HostRuntime()
    with Segmenter(colour_bundle, runtime) as segmenter:
        segmenter.run(frames[0], PHRASES)
        segmenter.run(frames[0], PHRASES[0])
        device = runtime.device
        before = list(device.allocations), list(device.host_allocations)
        for frame in frames[1:]:
            segmenter.run(frame, PHRASES)
            segmenter.run(frame, PHRASES[0])
        assert (device.allocations, device.host_allocations) == before
        assert max(before[0]) == 8 * 3 * HEIGHT * WIDTH * 4  # masks [P,K,H,W] at P = 8, K = 3
        assert device.entered == 0


def test_a_shape_that_stays_is_replayed_and_one_graph_a_stage_is_kept(colour_bundle):
    runtime = HostRuntime()
    frame = picture(("red", (10, 10, 60, 60)), ("blue", (70, 10, 120, 60)))
    with Segmenter(colour_bundle, runtime) as segmenter:
        for _ in range(10):
            segmenter.run(frame, "red")
        assert {name: stage.replayed for name, stage in runtime.stages.items()} == {"image": 8, "text": 0, "identify": 8, "mask": 8}
        for texts in (["red", "blue"], ["red"]) * 20:
            segmenter.run(frame, texts)
        assert runtime.device.graphs <= 3
        assert runtime.stages["image"].replayed == 48  # its shape never changes


def test_a_stage_that_cannot_be_captured_says_so_once_and_runs_on(colour_bundle, caplog):
    runtime = HostRuntime(captures=False)
    frame = picture(("red", (10, 10, 60, 60)))
    with caplog.at_level(logging.WARNING, logger="isfp"), Segmenter(colour_bundle, runtime) as segmenter:
        assert all(segmenter.run(frame, "red").found for _ in range(5))
    assert sorted(record.args[0] for record in caplog.records) == ["identify", "image", "mask"]
    assert "this device captures nothing" in caplog.text


def test_inputs_that_do_not_fit_fail_with_stage_and_shapes(colour_bundle):
    runtime = HostRuntime()
    bundle = Bundle.open(colour_bundle)
    text, mask = runtime.load(bundle, "text"), runtime.load(bundle, "mask")
    words = np.zeros((2, WORDS), np.int32)
    for inputs, message in (
        ({"words": words[:, :3], "lengths": np.ones(2, np.int32)}, r"words has the shape \[2, 3\]; expected \[2, 6\]"),
        ({"words": words, "lengths": np.ones(3, np.int32)}, r"lengths has the shape \[3\]; expected \[2\]"),
        ({"words": words, "lengths": np.ones(2, np.int64)}, "lengths has the type int64; expected int32"),
        ({"words": words}, r"inputs are \['words'\]"),
        ({"words": words[:0], "lengths": np.ones(0, np.int32)}, "P is 0; the engine was built for 1 to 8"),
    ):
        with pytest.raises(RuntimeFailedError, match=rf"stage 'text' failed .*{message}"):
            text(**inputs)
    with pytest.raises(RuntimeFailedError, match="stage 'mask'"):
        mask()
    assert runtime.device.entered == 0


def stage_of(*tensors: Tensor) -> Stage:
    return Stage("s", "s.onnx", tensors, (Tensor("out", "float32", ("P", "K", 5)),))


def test_buffers_know_the_largest_of_each_tensor():
    planned = stage_buffers(
        stage_of(Tensor("a", "float32", ("P", 4)), Tensor("b", "int32", ("P", "K")), Tensor("c", "uint8", (1, 7))),
        Span(1, 1, 8),
        Span(1, 2, 3),
    )
    assert [(tensor.name, tensor.bytes) for tensor in (*planned.inputs, *planned.outputs)] == [
        ("a", 8 * 4 * 4),
        ("b", 8 * 3 * 4),
        ("c", 7),
        ("out", 8 * 3 * 5 * 4),
    ]


@pytest.mark.parametrize(
    ("size", "span", "parts"),
    [
        (8, Span(1, 1, 8), [8]),
        (9, Span(1, 1, 8), [4, 5]),
        (17, Span(1, 4, 8), [5, 6, 6]),
        (3, Span(1, 1, 1), [1, 1, 1]),
        (5, Span(2, 2, 4), [2, 3]),
    ],
)
def test_phrases_beyond_the_profile_run_in_as_few_groups_as_can_be(size, span, parts):
    planned = stage_buffers(stage_of(Tensor("a", "float32", ("P", 4))), span, Span(1, 1, 1))
    assert [piece["P"].stop - piece["P"].start for piece in planned.pieces({"P": size})] == parts


def test_groups_of_phrases_and_of_candidates_cover_everything_once():
    planned = stage_buffers(stage_of(Tensor("b", "int32", ("P", "K"))), Span(1, 1, 8), Span(1, 1, 3))
    seen = np.zeros((19, 7), int)
    for piece in planned.pieces({"P": 19, "K": 7}):
        planned.inputs[0].cut(seen, piece)[...] += 1
    assert (seen == 1).all()


def test_fewer_phrases_than_the_profiles_least_are_refused():
    planned = stage_buffers(stage_of(Tensor("a", "float32", ("P", 4))), Span(2, 2, 3), Span(1, 1, 1))
    with pytest.raises(ValueError, match="P is 1; the engine was built for 2 to 3"):
        planned.pieces({"P": 1})
    narrow = stage_buffers(stage_of(Tensor("a", "float32", ("P", 4))), Span(3, 3, 4), Span(1, 1, 1))
    with pytest.raises(ValueError, match="5 cannot be split into parts of 3 to 4"):
        narrow.pieces({"P": 5})


def test_a_dynamic_axis_that_engines_do_not_know_is_refused():
    with pytest.raises(EngineMismatchError, match=r"a has the dynamic axes \['N'\]"):
        stage_buffers(stage_of(Tensor("a", "float32", ("N", 4))), Span(1, 1, 8), Span(1, 1, 3))
