"""A Segmenter belongs to one thread at a time: a second one inside it gets an error in place of the first one's results."""

from __future__ import annotations

import threading

import pytest

from isfp import Segmenter, SegmenterInUseError
from isfp.runtimes.onnxruntime import OnnxRuntime
from isfp.video import Smoother
from tests.sdk.colour_bundle import picture

SCENE = picture(("red", (40, 30, 80, 70)))


class SlowRuntime(OnnxRuntime):
    """Stops inside the stage `stop` until `go` is set."""

    def __init__(self, stop):
        super().__init__()
        self.stop, self.go, self.inside = stop, threading.Event(), threading.Event()

    def _load(self, bundle, stage):
        runner = super()._load(bundle, stage)

        def run(**inputs):
            if stage == self.stop:
                self.inside.set()
                assert self.go.wait(30)
            return runner(**inputs)

        return run


@pytest.mark.parametrize("stop", ["image", "identify", "mask"])
def test_a_second_thread_is_refused_while_the_first_is_inside_and_disturbs_nothing(colour_bundle, stop):
    runtime, results = SlowRuntime(stop), []
    segmenter = Segmenter(colour_bundle, runtime)
    first = threading.Thread(target=lambda: results.append(segmenter.run(SCENE, "red")), name="first")
    first.start()
    assert runtime.inside.wait(30)
    for enter in (
        lambda: segmenter.run(SCENE, "blue"),
        lambda: segmenter.look(SCENE),
        lambda: segmenter.candidates(SCENE, "blue"),
        lambda: Smoother(segmenter).run(SCENE, "blue"),
        segmenter.close,
    ):
        with pytest.raises(
            SegmenterInUseError, match=r"while the thread 'first' was using it\. Make one Segmenter for each thread"
        ):
            enter()
    assert segmenter.encode("blue").unknown == (), "what uses no buffer may be used from anywhere"
    runtime.go.set()
    first.join()
    assert results[0].found
    assert segmenter.run(SCENE, "red").found, "once it is outside, another thread may enter"
    segmenter.close()


def test_a_view_is_refused_to_a_second_thread_too(colour_bundle):
    runtime = SlowRuntime("mask")
    with Segmenter(colour_bundle, runtime) as segmenter:
        view = segmenter.look(SCENE)
        first = threading.Thread(target=view.find, args=("red",))
        first.start()
        assert runtime.inside.wait(30)
        for ask in (
            lambda: view.find("red"),
            lambda: view.candidates("red"),
            lambda: view.identify(["red"]),
            lambda: view.masks(["red"], [[0]]),
        ):
            with pytest.raises(SegmenterInUseError):
                ask()
        runtime.go.set()
        first.join()


def test_an_error_inside_leaves_it_open(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        with pytest.raises(ValueError, match="expected"):
            segmenter.run(SCENE, "?")
        other = []
        thread = threading.Thread(target=lambda: other.append(segmenter.run(SCENE, "red").found))
        thread.start()
        thread.join()
        assert other == [True]
