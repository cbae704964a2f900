"""The steps of a frame that run on a device, by their host build: against the SDK's letterbox and masks, and in a Segmenter."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import FIND
from isfp.errors import RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes.device import DeviceArray
from isfp.runtimes.frame_steps import FRAME_VARIABLE, LONGEST_SIDE, FrameLibrary, find_library, load_library, row_bytes, unpack
from isfp.steps.letterbox import Framing
from isfp_export.onnx.one_graph import one_graph
from tests.paths import ROOT
from tests.plugins.plugin_builds import frame_library, nvcc
from tests.sdk.colour_bundle import picture
from tests.sdk.host_device import HostRuntime

SIZES = [(720, 1280), (1080, 1920), (480, 640), (640, 640), (320, 320), (333, 517), (1279, 719), (321, 320), (319, 320)]
SMALL = [(100, 80), (31, 47), (2, 3), (1, 1), (1, 500), (500, 1), (7, 2000), (64, 96)]
INPUTS = [(320, 320), (64, 96), (97, 33)]


@pytest.fixture(scope="module")
def library() -> FrameLibrary:
    return load_library(frame_library())


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Edges and noise: what rounds differently must show."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (max(1, height // 16), max(1, width // 16), 3)).astype(np.uint8)
    frame = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST).astype(int)
    return np.clip(frame + rng.integers(-20, 21, frame.shape), 0, 255).astype(np.uint8)


def masks_of(
    library: FrameLibrary, logits: np.ndarray, framing: Framing, size: tuple[int, int], threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Masks bool `[P,h,w]` of logits `[P,H,W]`, and the flags."""
    letterbox = framing.letterbox(*size)
    bits = np.full((len(logits), size[0], row_bytes(size[1])), 0xA5, np.uint8)
    broken = np.full(len(logits), 7, np.int32)
    addresses = logits.ctypes.data, bits.ctypes.data, broken.ctypes.data
    library.masks(*addresses, letterbox, (framing.height, framing.width), len(logits), size, threshold, 0)
    return unpack(bits, size[1]), broken


@pytest.mark.parametrize("network_input", INPUTS)
@pytest.mark.parametrize("size", SIZES + SMALL)
def test_the_letterbox_is_the_sdks_within_one_grey_level(
    library: FrameLibrary, network_input: tuple[int, int], size: tuple[int, int]
) -> None:
    framing, frame = Framing(*network_input, fill=77), scene(*size)
    expected, letterbox = framing.fit(frame)
    found = np.full_like(expected, 3)
    library.letterbox(frame.ctypes.data, found.ctypes.data, letterbox, network_input, framing.fill, 0)
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert difference.mean() <= 0.2  # OpenCV halves first where it can, and rounds that too
    padding = np.ones(network_input, bool)
    padding[letterbox.window] = False
    assert (found[0][padding] == framing.fill).all()


@pytest.mark.parametrize("network_input", INPUTS)
@pytest.mark.parametrize("size", SIZES + SMALL)
def test_masks_are_the_sdks_but_for_pixels_at_the_threshold(
    library: FrameLibrary, network_input: tuple[int, int], size: tuple[int, int]
) -> None:
    framing, rng = Framing(*network_input), np.random.default_rng(1)
    coarse = rng.normal(0, 3, (3, 12, 12)).astype(np.float32)
    shape = network_input[::-1]
    logits = np.stack([cv2.resize(one, shape, interpolation=cv2.INTER_CUBIC) for one in coarse])
    found, broken = masks_of(library, logits, framing, size, 0.25)
    letterbox = framing.letterbox(*size)
    for mask, one in zip(found, logits, strict=True):
        restored = letterbox.restore(one)
        assert np.abs(restored[mask != (restored > np.float32(0.25))] - 0.25).max(initial=0) <= 1e-5
    assert (broken == 0).all()


def test_at_the_windows_own_size_the_mask_is_exact(library: FrameLibrary) -> None:
    framing = Framing(64, 96)
    letterbox = framing.letterbox(480, 640)
    logits = np.random.default_rng(0).normal(0, 1, (1, 64, 96)).astype(np.float32)
    size = letterbox.height, letterbox.width
    bits = np.empty((1, size[0], row_bytes(size[1])), np.uint8)
    library.masks(logits.ctypes.data, bits.ctypes.data, 0, letterbox, (64, 96), 1, size, 0.0, 0)
    np.testing.assert_array_equal(unpack(bits, size[1])[0], logits[0][letterbox.window] > 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_not_finite_is_told_of_for_its_mask_alone(library: FrameLibrary, value: float) -> None:
    framing = Framing(64, 96)
    logits = np.zeros((3, 64, 96), np.float32)
    logits[1, 30, 40] = value
    assert masks_of(library, logits, framing, (480, 640), 0.0)[1].tolist() == [0, 1, 0]
    logits[1, 30, 40] = 0
    logits[1, 30, 1] = value  # on the padding, which no mask shows
    assert framing.letterbox(480, 640).left > 1
    assert masks_of(library, logits, framing, (480, 640), 0.0)[1].tolist() == [0, 0, 0]


def test_frames_of_any_layout_and_the_longest_side_fit_the_numbers(library: FrameLibrary) -> None:
    framing = Framing(8, 8)
    frame = np.zeros((2, LONGEST_SIDE, 3), np.uint8)
    frame[:, -1] = 255
    frame[:, LONGEST_SIDE // 2 :] = 200
    expected, letterbox = framing.fit(frame)
    found = np.empty_like(expected)
    library.letterbox(frame.ctypes.data, found.ctypes.data, letterbox, (8, 8), framing.fill, 0)
    assert np.abs(found.astype(int) - expected).max() <= 1
    logits = np.tile(np.linspace(-1, 1, 8, dtype=np.float32), (1, 8, 1))
    mask = masks_of(library, logits, framing, (2, LONGEST_SIDE), 0.0)[0][0]
    np.testing.assert_array_equal(mask, letterbox.mask(logits[0]))


def test_the_library_is_found_by_its_variable_and_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = frame_library()
    monkeypatch.setenv(FRAME_VARIABLE, str(path))
    assert find_library() == path
    monkeypatch.setenv(FRAME_VARIABLE, "")
    assert find_library() is None
    monkeypatch.setenv(FRAME_VARIABLE, str(tmp_path / "none.so"))
    with pytest.raises(RuntimeUnavailableError, match=r"none\.so.*is not a file"):
        find_library()
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(RuntimeUnavailableError, match=r"text\.so cannot be loaded.*make plugin"):
        load_library(tmp_path / "text.so")


SCENE = picture(("red", (8, 20, 40, 52)), ("blue", (80, 40, 120, 80)))
SPLIT = picture(("red", (8, 20, 40, 45)), ("red", (8, 52, 40, 70)))  # a mask in two pieces
WIDE = picture(("red", (100, 20, 180, 90)), size=(120, 300))


@pytest.fixture
def find_model(colour_bundle: Path) -> bytes:
    bundle = Bundle.open(colour_bundle)
    stages = {name: onnx.load_from_string(bundle.read(stage.file)) for name, stage in bundle.manifest.stages.items()}
    return one_graph(stages, bundle.manifest.grid).SerializeToString()


@pytest.fixture
def runtime(find_model: bytes, library: FrameLibrary) -> HostRuntime:
    return HostRuntime(find=find_model, library=library)


@pytest.fixture
def segmenter(colour_bundle: Path, runtime: HostRuntime) -> Iterator[Segmenter]:
    with Segmenter(colour_bundle, runtime) as segmenter:
        yield segmenter


def hold_equal(ours: Segmenter, theirs: Segmenter, frame: np.ndarray, texts: list[str]) -> None:
    for a, b in zip(ours.run(frame, texts), theirs.run(frame, texts), strict=True):
        assert (a.found, a.cell, a.reason, a.pieces) == (b.found, b.cell, b.reason, b.pieces)
        np.testing.assert_allclose(a.identifying_map, b.identifying_map, atol=0.02)
        assert a.mask.shape == b.mask.shape == frame.shape[:2]
        assert (a.mask != b.mask).mean() <= 0.002  # a grey level may move an edge


def test_a_segmenter_with_it_finds_what_one_on_the_host_finds(segmenter: Segmenter, colour_bundle: Path) -> None:
    with Segmenter(colour_bundle, "onnxruntime") as theirs:
        for frame in (SCENE, SCENE, SPLIT, SPLIT, WIDE, WIDE, SCENE[::-1, ::-1], SCENE):
            hold_equal(segmenter, theirs, frame, ["red", "blue"])
            hold_equal(segmenter, theirs, frame, ["red"])


def test_of_a_mask_in_two_pieces_one_is_kept(segmenter: Segmenter, colour_bundle: Path) -> None:
    with Segmenter(colour_bundle, "onnxruntime") as theirs:
        for _ in range(4):
            ours = segmenter.run(SPLIT, "red")
        assert "find" in ours.milliseconds
        assert ours.pieces == 2
        np.testing.assert_array_equal(ours.mask, theirs.run(SPLIT, "red").mask)


def test_the_frame_goes_up_as_it_is_and_bits_come_down_in_one_graph(segmenter: Segmenter, runtime: HostRuntime) -> None:
    for _ in range(4):
        segmenter.run(SCENE, "red")
    device, before = runtime.device, runtime.stages[FIND].replayed
    device.uploads.clear()
    device.downloads.clear()
    waits = device.waits
    result = segmenter.run(SCENE, "red")
    assert runtime.stages[FIND].replayed == before + 1
    assert device.waits - waits == 1
    assert device.uploads == [SCENE.nbytes, 3 * 4]
    rows, columns = SCENE.shape[:2]
    assert device.downloads == [64 * 64 * 3, rows * columns // 8, 48 * 64 // 8, 4, 16 * 4, 4]
    assert "frame" not in result.milliseconds
    assert result.mask.dtype == bool


def test_a_device_that_shares_the_hosts_memory_copies_neither_the_frame_nor_the_bits(
    colour_bundle: Path, find_model: bytes, library: FrameLibrary
) -> None:
    runtime = HostRuntime(find=find_model, library=library, shares_memory=True)
    with Segmenter(colour_bundle, runtime) as ours, Segmenter(colour_bundle, "onnxruntime") as theirs:
        for frame in (SCENE, SCENE, SPLIT, SPLIT, WIDE, WIDE, SCENE):
            hold_equal(ours, theirs, frame, ["red", "blue"])
        for _ in range(3):
            kept = ours.run(SCENE, "red")
        before, device = kept.mask.copy(), runtime.device
        device.uploads.clear()
        device.downloads.clear()
        ours.run(SCENE, "red")
        assert device.uploads == [3 * 4]
        assert device.downloads == [64 * 64 * 3, 4, 16 * 4, 4]
        ours.run(WIDE, "red")
        np.testing.assert_array_equal(kept.mask, before)


def test_results_stay_when_the_next_frame_comes(segmenter: Segmenter) -> None:
    for _ in range(3):
        kept = segmenter.run(SCENE, "red")
    before = kept.mask.copy()
    for _ in range(3):
        segmenter.run(WIDE, "red")
    np.testing.assert_array_equal(kept.mask, before)


def test_a_frame_that_was_prepared_on_the_host_gets_its_masks_from_the_device(segmenter: Segmenter, colour_bundle: Path) -> None:
    with Segmenter(colour_bundle, "onnxruntime") as theirs:
        for _ in range(3):
            ours = segmenter.run(segmenter.prepare(SCENE), "red")
        np.testing.assert_array_equal(ours.mask, theirs.run(SCENE, "red").mask)


def test_further_questions_see_the_frame_as_the_device_letterboxed_it(segmenter: Segmenter) -> None:
    for _ in range(3):
        segmenter.run(SCENE, "red")
    view = segmenter.look(SCENE, ["red"])
    assert np.abs(view.letterboxed.astype(int) - segmenter.framing.fit(SCENE)[0]).max() <= 1
    assert view.find("blue").found
    assert len(view.candidates("red", 2)) >= 1
    assert view.masks(["red"], [[view.find("red").cell[0] * 4 + view.find("red").cell[1]]]).shape == (1, 1, 64, 64)


def test_masks_that_are_not_finite_are_refused(colour_bundle: Path, find_model: bytes, library: FrameLibrary) -> None:
    model = onnx.load_from_string(find_model)
    gain = next(tensor for tensor in model.graph.initializer if tensor.name == "mask/gain")
    gain.CopyFrom(onnx.numpy_helper.from_array(np.float32(np.nan), gain.name))
    with Segmenter(colour_bundle, HostRuntime(find=model.SerializeToString(), library=library)) as segmenter:
        segmenter.run(SCENE, "red")  # by the four stages, which are sound
        with pytest.raises(RuntimeFailedError, match="NaN or infinite"):
            segmenter.run(SCENE, "red")


def test_logits_stay_on_the_device_until_they_are_asked_for(segmenter: Segmenter, runtime: HostRuntime) -> None:
    segmenter.run(SCENE, "red")
    find = runtime.load(segmenter.bundle, FIND)
    letterbox = segmenter.framing.letterbox(*SCENE.shape[:2])
    vector = np.eye(3, dtype=np.float32)[:1]
    outputs = find(frame=SCENE, phrases=vector, letterbox=letterbox, threshold=0.0)
    assert isinstance(outputs["masks"], DeviceArray)
    logits = np.asarray(outputs["masks"])[0, 0]
    np.testing.assert_array_equal(outputs["window_masks"][0], logits[letterbox.window] > 0)
    np.testing.assert_array_equal(outputs["frame_masks"][0], letterbox.mask(logits))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["80", "87", "90", "120"])
def test_the_kernels_compile_without_spills(architecture: str, tmp_path: Path) -> None:
    source = ROOT / "plugins" / "frame" / "device" / "frame.cu"
    command = [nvcc(), "-std=c++17", "-O3", f"-arch=sm_{architecture}", "--resource-usage", "-Werror=all-warnings", "-c"]
    done = subprocess.run([*command, str(source), "-o", str(tmp_path / "frame.o")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads", done.stderr + done.stdout)) == 2
