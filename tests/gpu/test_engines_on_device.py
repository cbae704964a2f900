"""The engines of a bundle on a GPU, held against ONNX Runtime on the CPU; see conftest.py for where they come from."""

from __future__ import annotations

import ctypes
import json
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import FIND, STAGES
from isfp.runtimes import choose
from isfp.runtimes.device import DeviceArray
from isfp.runtimes.engine_runtime import EngineRuntime
from isfp.runtimes.frame_steps import FRAME_VARIABLE
from isfp.runtimes.onnxruntime import OnnxRuntime
from isfp.steps.lookup import best_cells

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

# Largest difference of a stage alone, as a share of the largest value. FP32 may be TF32 inside convolutions: 10 bits.
STAGE_TOLERANCE = {"fp32": 1e-2, "fp16": 3e-2}
MASK_IOU = {"fp32": 0.995, "fp16": 0.995, "int8": 0.97, "fp8": 0.97}  # mean, against ONNX Runtime in FP32
FRAMES, WARM_UP = 1000, 100
INTEGRATED = 18  # CU_DEVICE_ATTRIBUTE_INTEGRATED
DEVICE_GROWTH, HOST_GROWTH = 16 << 20, 64 << 20  # bytes; a driver allocates in pieces of 2 MB


def inputs(bundle: Bundle, phrases: int, candidates: int) -> dict[str, dict[str, np.ndarray]]:
    """Inputs of each stage, those of later stages as ONNX Runtime computes them."""
    manifest, rng = bundle.manifest, np.random.default_rng(phrases)
    runtime = OnnxRuntime()
    frame = rng.integers(0, 256, (1, manifest.framing.height, manifest.framing.width, 3), np.uint8)
    words = rng.integers(2, len(bundle.vocabulary()), (phrases, manifest.max_words)).astype(np.int32)
    lengths = rng.integers(1, manifest.max_words + 1, phrases).astype(np.int32)
    words[np.arange(manifest.max_words) >= lengths[:, None]] = 0
    maps = runtime.load(bundle, "image")(frame=frame)
    vectors = runtime.load(bundle, "text")(words=words, lengths=lengths)
    cells = rng.integers(0, manifest.grid**2, (phrases, candidates)).astype(np.int32)
    return {
        "image": {"frame": frame},
        "text": {"words": words, "lengths": lengths},
        "identify": {**maps, **vectors},
        "mask": {"frame": frame, **maps, **vectors, "cells": cells},
    }


@pytest.mark.parametrize(("phrases", "candidates"), [(1, 1), (3, 2), (8, 3), (11, 4)])  # the last is beyond the profile
@pytest.mark.parametrize("stage", list(STAGES))
def test_a_stage_equals_onnx_runtime(engine: str, bundle: Path, stage: str, phrases: int, candidates: int) -> None:
    precision = engine.partition(":")[2]
    if precision not in STAGE_TOLERANCE:
        pytest.skip("quantised stages are held to masks, not to values")
    opened = Bundle.open(bundle)
    values = inputs(opened, phrases, candidates)[stage]
    expected = OnnxRuntime().load(opened, stage)(**values)
    runtime = choose(engine, opened)
    try:
        found = {name: np.array(value) for name, value in runtime.load(opened, stage)(**values).items()}
    finally:
        runtime.close()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.isfinite(found[name]).all()
        assert found[name].shape == value.shape
        assert np.abs(found[name] - value).max() <= STAGE_TOLERANCE[precision] * np.abs(value).max(), name


def test_masks_agree_with_onnx_runtime(engine: str, bundle: Path, demo: Path) -> None:
    texts: dict[str, list[str]] = json.loads((demo / "phrases.json").read_text(encoding="utf-8"))
    ious, same, count = [], 0, 0
    with Segmenter(bundle, engine) as ours, Segmenter(bundle, "onnxruntime") as theirs:
        for name, phrases in texts.items():
            frame = cv2.imread(str(demo / name))
            for a, b in zip(ours.run(frame, phrases), theirs.run(frame, phrases), strict=True):
                count += 1
                same += a.found == b.found
                if a.found and b.found:
                    ious.append(float((a.mask & b.mask).sum() / max(1, (a.mask | b.mask).sum())))
    assert len(ious) >= 3
    assert np.mean(ious) >= MASK_IOU[engine.partition(":")[2]]
    assert same >= count - 1  # a score beside the threshold may fall to the other side


def test_a_replayed_graph_equals_eager(engine: str, bundle: Path) -> None:
    opened = Bundle.open(bundle)
    runtime = choose(engine, opened)
    assert isinstance(runtime, EngineRuntime)
    if not runtime.graphs:
        runtime.close()
        pytest.skip(f"{runtime.name} captures its graphs itself")
    try:
        stages = inputs(opened, 2, 1)
        del stages["text"]  # loops cannot be captured; it runs without a graph
        for stage, values in stages.items():
            run = runtime.load(opened, stage)
            outcomes = [{name: np.array(value) for name, value in run(**values).items()} for _ in range(5)]
            assert runtime.stages[stage].replayed == 3, f"{stage} was not captured; the log says why"
            for outcome in outcomes[1:]:
                for name, value in outcome.items():
                    np.testing.assert_array_equal(value, outcomes[0][name])
    finally:
        runtime.close()


def test_the_one_graph_equals_the_stages_and_is_replayed(engine: str, bundle: Path) -> None:
    opened = Bundle.open(bundle)
    precision = engine.partition(":")[2]
    runtime = choose(engine, opened)
    assert isinstance(runtime, EngineRuntime)
    if not runtime.most_at_once(opened):
        runtime.close()
        pytest.skip("this engine was built without the one graph")
    values = inputs(opened, 2, 1)
    frame, phrases = values["image"]["frame"], values["identify"]["phrases"]
    try:
        find = runtime.load(opened, FIND)
        outcomes = [{name: np.array(value) for name, value in find(frame=frame, phrases=phrases).items()} for _ in range(5)]
        maps = runtime.load(opened, "image")(frame=frame)
        identifying = np.array(runtime.load(opened, "identify")(**maps, phrases=phrases)["identifying"])
        cells = outcomes[0]["cells"]
        masks = np.array(runtime.load(opened, "mask")(frame=frame, **maps, phrases=phrases, cells=cells)["masks"])
        replayed = runtime.stages[FIND].replayed
    finally:
        runtime.close()
    # Both compute in the same precision, by kernels that may differ.
    tolerance = STAGE_TOLERANCE.get(precision, 0.1)
    assert np.abs(outcomes[0]["identifying"] - identifying).max() <= tolerance
    assert np.abs(outcomes[0]["masks"] - masks).max() <= tolerance * np.abs(masks).max()
    assert [cell.index for cell in best_cells(outcomes[0]["identifying"])] == cells[:, 0].tolist()
    for outcome in outcomes[1:]:
        for name, value in outcome.items():
            np.testing.assert_array_equal(value, outcomes[0][name])
    assert replayed == (3 if runtime.graphs else 0)


def test_letterbox_and_masks_on_the_device_equal_those_on_the_host(
    engine: str, bundle: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: dict[str, list[str]] = json.loads((demo / "phrases.json").read_text(encoding="utf-8"))
    ious = []
    with Segmenter(bundle, engine) as ours:
        if not ours.runtime.longest_frame:
            pytest.skip("libisfp_frame is not built, or the engine has no stage `find`: make plugin, isfp build")
        monkeypatch.setenv(FRAME_VARIABLE, "")
        with Segmenter(bundle, engine) as theirs:
            assert theirs.runtime.longest_frame == 0
            for name, phrases in texts.items():
                frame = cv2.imread(str(demo / name))
                for _ in range(4):  # the last ones by the one graph, replayed
                    pairs = list(zip(ours.run(frame, phrases[:1]), theirs.run(frame, phrases[:1]), strict=True))
                for a, b in pairs:
                    if a.found and b.found:
                        ious.append(float((a.mask & b.mask).sum() / max(1, (a.mask | b.mask).sum())))
    assert len(ious) >= 3
    assert np.mean(ious) >= MASK_IOU[engine.partition(":")[2]]


def test_maps_stay_on_the_device(engine: str, bundle: Path) -> None:
    opened = Bundle.open(bundle)
    values = inputs(opened, 2, 1)
    runtime = choose(engine, opened)
    try:
        maps = runtime.load(opened, "image")(**values["image"])
        assert all(isinstance(value, DeviceArray) for value in maps.values())
        identify = runtime.load(opened, "identify")
        on_device = np.array(identify(**maps, phrases=values["identify"]["phrases"])["identifying"])
        on_host = {name: np.asarray(value) for name, value in maps.items()}
        np.testing.assert_array_equal(
            np.array(identify(**on_host, phrases=values["identify"]["phrases"])["identifying"]), on_device
        )
    finally:
        runtime.close()


def test_memory_does_not_grow_over_a_thousand_frames(engine: str, bundle: Path, demo: Path) -> None:
    texts: dict[str, list[str]] = json.loads((demo / "phrases.json").read_text(encoding="utf-8"))
    name, phrases = next(iter(texts.items()))
    frame = cv2.imread(str(demo / name))
    turns = (phrases[:1], phrases, phrases[:1], phrases[:2])  # shapes that change are set and captured anew

    driver = ctypes.CDLL("libcuda.so.1")

    def used() -> tuple[int, int]:
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        with device:
            assert driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)) == 0
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return total.value - free.value, pages * 4096

    with Segmenter(bundle, engine) as segmenter:
        runtime = segmenter.runtime
        assert isinstance(runtime, EngineRuntime)
        device = runtime.device
        for number in range(FRAMES):
            segmenter.run(frame, turns[number // 5 % len(turns)])
            if number == WARM_UP:
                before = used()
        after = used()
    shared = ctypes.c_int()
    assert driver.cuDeviceGetAttribute(ctypes.byref(shared), INTEGRATED, 0) == 0
    if not shared.value:  # a Jetson's GPU counts the memory of all programs
        assert after[0] - before[0] <= DEVICE_GROWTH
    assert after[1] - before[1] <= HOST_GROWTH


def test_another_thread_than_the_one_that_made_it_may_run_it(engine: str, bundle: Path, demo: Path) -> None:
    frame = cv2.imread(str(demo / next(iter(json.loads((demo / "phrases.json").read_text(encoding="utf-8"))))))
    results = []
    with Segmenter(bundle, engine) as segmenter:
        here = segmenter.run(frame, "the red mug")
        thread = threading.Thread(target=lambda: results.append(segmenter.run(frame, "the red mug")))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(results[0].identifying_map, here.identifying_map)


def test_a_closed_segmenter_says_so_and_a_new_one_runs(engine: str, bundle: Path, demo: Path) -> None:
    frame = np.full((480, 640, 3), 90, np.uint8)
    for _ in range(3):
        segmenter = Segmenter(bundle, engine)
        segmenter.run(frame, "the red mug")
        segmenter.close()
        segmenter.close()
        with pytest.raises(Exception, match="was closed"):
            segmenter.run(frame, "the red mug")
