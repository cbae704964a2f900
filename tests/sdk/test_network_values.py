"""Values that a network must not return: one error, and nothing of them stays."""

from __future__ import annotations

import numpy as np
import pytest

from isfp import IsfpError, RuntimeFailedError, Segmenter
from isfp.runtimes.onnxruntime import OnnxRuntime
from isfp.video import Smoother
from tests.sdk.colour_bundle import picture

SCENE = picture(("red", (40, 30, 80, 70)))


class FaultyRuntime(OnnxRuntime):
    """Changes a stage's output while `fault` is set: a pair of the stage and what to do with its arrays."""

    def __init__(self):
        super().__init__()
        self.fault = None

    def _load(self, bundle, stage):
        runner = super()._load(bundle, stage)

        def run(**inputs):
            outputs = runner(**inputs)
            if self.fault and self.fault[0] == stage:
                return {name: self.fault[1](np.array(value)) for name, value in outputs.items()}
            return outputs

        return run


@pytest.fixture
def runtime():
    return FaultyRuntime()


@pytest.fixture
def segmenter(colour_bundle, runtime):
    with Segmenter(colour_bundle, runtime, threshold=0.01) as segmenter:
        yield segmenter


def one(value):
    def change(array):
        array.reshape(-1)[array.size // 2] = value
        return array

    return change


FAULTS = [
    (stage, one(value))
    for stage, values in {
        "image": [np.nan],
        "text": [np.nan, np.inf],
        "identify": [np.nan, np.inf, -np.inf, 2.0, -0.5],
        "mask": [np.nan, np.inf, -np.inf],
    }.items()
    for value in values
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_value_that_is_not_finite_or_out_of_range_is_an_error(segmenter, runtime, fault):
    runtime.fault = fault
    for ask in (
        lambda: segmenter.run(SCENE, "red"),
        lambda: segmenter.candidates(SCENE, "red"),
        lambda: segmenter.run(SCENE, "red", several=True),
        lambda: Smoother(segmenter).run(SCENE, "red"),
    ):
        with pytest.raises(RuntimeFailedError, match="expected"):
            ask()
    runtime.fault = None
    assert segmenter.run(SCENE, "red").found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_smoother_goes_on_as_if_the_frame_had_not_been(segmenter, runtime, fault):
    frames = [picture(("red", (40 + 2 * n, 30, 80 + 2 * n, 70))) for n in range(4)]
    undisturbed, disturbed = Smoother(segmenter), Smoother(segmenter)
    wanted = [undisturbed.run(frame, "red") for frame in frames]
    results = []
    for frame in frames:
        runtime.fault = fault
        segmenter._network.phrases._vectors.clear()
        for bad in (frame, picture(("red", (0, 50, 50, 100)), size=(200, 100))):  # another size would start anew
            with pytest.raises(RuntimeFailedError):
                disturbed.run(bad, "red")
        runtime.fault = None
        results.append(disturbed.run(frame, "red"))
    for one_, other in zip(results, wanted, strict=True):
        np.testing.assert_array_equal(one_.identifying_map, other.identifying_map)
        np.testing.assert_array_equal(one_.mask, other.mask)


def test_rounding_beyond_one_is_no_error(segmenter, runtime):
    runtime.fault = ("identify", lambda array: np.minimum(array * 1.00001 + 1e-5, 1.00002).astype(np.float32))
    assert segmenter.run(SCENE, "red").score <= 1


def test_phrase_vectors_of_a_failed_run_are_not_kept(segmenter, runtime):
    runtime.fault = ("text", lambda array: array[:1])
    with pytest.raises(RuntimeFailedError):
        segmenter.run(SCENE, ["red", "blue"])
    assert segmenter.cache_counts.misses == 0
    runtime.fault = None
    assert segmenter.run(SCENE, ["red", "blue"])[0].found
    assert (segmenter.cache_counts.hits, segmenter.cache_counts.misses) == (0, 2)


SHAPES = [
    ("identify", lambda array: array[:, :3]),
    ("identify", lambda array: np.concatenate([array, array])),
    ("identify", lambda array: array[0]),
    ("mask", lambda array: array[..., ::2, ::2]),
    ("mask", lambda array: array[..., :-1]),
    ("mask", lambda array: array[:, :0]),
    ("mask", lambda array: array.astype(np.float64)),
    ("text", lambda array: array[:, :1]),
    ("image", lambda array: array[:, :, :1]),
]


@pytest.mark.parametrize("fault", SHAPES)
def test_an_output_of_another_shape_than_the_manifests_is_an_error(segmenter, runtime, fault):
    segmenter.run(SCENE, "red")
    segmenter._network.phrases._vectors.clear()
    runtime.fault = fault
    with pytest.raises(
        RuntimeFailedError, match=f"The stage '{fault[0]}' returned float.* expected float32 .*as the manifest states"
    ):
        segmenter.run(SCENE, "red")
    runtime.fault = None
    assert segmenter.run(SCENE, "red").found


def test_a_missing_output_is_an_error(segmenter):
    stage = segmenter.runtime.load(segmenter.bundle, "identify")
    stage.runner = lambda **inputs: {}
    with pytest.raises(RuntimeFailedError, match="returned nothing as 'identifying'"):
        segmenter.run(SCENE, "red")


@pytest.mark.parametrize("k", [0, -3, 1.5, "2", None])
def test_a_number_of_candidates_that_is_none_is_refused(segmenter, k):
    with pytest.raises(IsfpError, match="expected a whole number, 1 or more"):
        segmenter.candidates(SCENE, "red", k)
