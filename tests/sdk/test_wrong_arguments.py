"""Arguments of a wrong kind: each is an IsfpError that says what is expected."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import sys

import numpy as np
import pytest

from isfp import (
    BundleError,
    CameraError,
    IsfpError,
    PhraseError,
    RuntimeFailedError,
    RuntimeUnavailableError,
    Segmenter,
    SegmenterInUseError,
)
from isfp.camera import camera
from isfp.video import Smoother
from tests.sdk.colour_bundle import picture

SCENE = picture(("red", (40, 30, 80, 70)))


@pytest.mark.parametrize("threshold", ["0.5", [0.5], float("nan"), b"1", np.array([0.1, 0.2])])
def test_a_threshold_that_is_none_is_refused_everywhere(segmenter, colour_bundle, threshold):
    for use in (
        lambda: Segmenter(colour_bundle, threshold=threshold),
        lambda: segmenter.run(SCENE, "red", threshold),
        lambda: segmenter.look(SCENE).find("red", threshold),
        lambda: segmenter.stream([SCENE], "red", threshold),
    ):
        with pytest.raises(IsfpError, match="The threshold is .*; expected a score from 0 to 1"):
            use()
    with pytest.raises(IsfpError, match="leave is .*; expected a score from 0 to the Segmenter's threshold"):
        Smoother(segmenter, leave=threshold)


@pytest.mark.parametrize("count", ["3", None, 2.5, -1])
def test_numbers_of_threads_and_phrases_are_whole(colour_bundle, count):
    with pytest.raises(IsfpError, match="number of threads is .*; expected a whole number, from 0 to 1024"):
        Segmenter(colour_bundle, threads=count)
    with pytest.raises(IsfpError, match="number of phrases to cache is .*; expected a whole number, 0 or more"):
        Segmenter(colour_bundle, cache=count)


def test_more_threads_than_a_process_can_have_are_refused_before_any_is_started(colour_bundle, isfp, tmp_path):
    with pytest.raises(IsfpError, match="number of threads is 100000; expected"):
        Segmenter(colour_bundle, threads=100_000)
    for command in ("run", "bench", "record", "label", "serve", "explain"):
        code, _, err = isfp(command, colour_bundle, "--threads", "100000")
        assert code == 2, command
        assert "--threads" in err, command
        assert "1024" in err, command


@pytest.mark.parametrize("bundle", [None, 3, b"edge.isfp", []])
def test_a_bundle_is_a_path(bundle):
    with pytest.raises(BundleError, match=r"The bundle is .*; expected the path of a folder NAME\.isfp"):
        Segmenter(bundle)


@pytest.mark.parametrize("segmenter", [None, 3, "edge.isfp"])
def test_a_smoother_takes_a_segmenter(segmenter):
    with pytest.raises(IsfpError, match=r"The Segmenter is .*; expected one: Smoother\(Segmenter\(BUNDLE\)\)"):
        Smoother(segmenter)


@pytest.mark.parametrize("runtime", [None, 3, b"auto"])
def test_a_runtime_is_a_name_or_a_runtime(colour_bundle, runtime):
    with pytest.raises(RuntimeUnavailableError, match="The runtime is .*; expected a Runtime, or one of: auto, tensorrt"):
        Segmenter(colour_bundle, runtime)


def test_several_phrases_are_a_list_and_never_the_letters_of_a_text(segmenter):
    view = segmenter.look(SCENE)
    for phrases in ("red", None, 3):
        for use in (
            lambda given=phrases: view.identify(given),
            lambda given=phrases: view.masks(given, [[0]]),
            lambda given=phrases: segmenter.look(SCENE, given),
        ):
            with pytest.raises(PhraseError, match=r"The phrases are .*; expected a list of phrases"):
                use()
    for phrases in ({"red"}, (text for text in ["red"]), np.array(["red"])):
        with pytest.raises(PhraseError, match=r"expected text \(str\)\. Give several phrases as a list: list\(phrases\)"):
            segmenter.run(SCENE, phrases)


@pytest.mark.parametrize("number", [-1, 100, 2**40, "99999999999999999999", True])
def test_a_camera_has_a_small_number(number):
    with pytest.raises(CameraError, match="is no camera's number; expected one from 0 to 99"):
        camera.open(number)


@pytest.mark.parametrize("source", [None, 2.5, b"0", []])
def test_a_source_is_a_number_a_path_or_a_uri(source):
    with pytest.raises(CameraError, match="The source is .*; expected a camera's number, a path, or a URI"):
        camera.open(source)


def test_a_segmenter_is_neither_copied_nor_pickled_and_its_results_are(segmenter):
    for one in (segmenter, segmenter.look(SCENE)):
        for take in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(SegmenterInUseError, match="cannot be copied or pickled.*Segmenter in each thread or process"):
                take(one)
    result = pickle.loads(pickle.dumps(segmenter.run(SCENE, "red")))
    assert result.found
    assert result.mask.any()


def test_a_runtime_serves_one_segmenter(colour_bundle, segmenter, runtime):
    with pytest.raises(RuntimeFailedError, match="serves another Segmenter.*Make a runtime for each"):
        Segmenter(colour_bundle, runtime)
    assert segmenter.run(SCENE, "red").found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_is_told_and_neither_hangs_nor_frees_what_is_the_parents(segmenter):
    view, stream = segmenter.look(SCENE), segmenter.stream([SCENE], "red")
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends a child that hangs
        told = 0
        for use in (
            lambda: segmenter.run(SCENE, "red"),
            lambda: segmenter.look(SCENE),
            lambda: view.find("red"),
            lambda: next(stream),
        ):
            try:
                use()
            except SegmenterInUseError as error:
                told += "Make a Segmenter in each process, after the fork" in str(error)
        stream.close()
        segmenter.close()
        sys.stdout.flush()
        os._exit(0 if told == 4 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert segmenter.run(SCENE, "red").found
