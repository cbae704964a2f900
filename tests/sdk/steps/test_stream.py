"""Streams: the results of a plain loop, in its order, and nothing left behind however they end."""

from __future__ import annotations

import gc
import itertools
import signal
import subprocess
import sys
import threading
import weakref
from dataclasses import fields

import numpy as np
import pytest

from isfp import CameraError, FrameError, IsfpError, PhraseError, RuntimeFailedError, Segmenter, SegmenterInUseError, camera
from isfp.camera.video_file import VideoFile
from isfp.runtimes.onnxruntime import OnnxRuntime
from isfp.steps import stream as stream_module
from isfp.steps.letterbox import Framing
from isfp.steps.prepared_frame import PreparedFrame
from isfp.video import Smoother
from tests.sdk.colour_bundle import picture

WAIT = 30  # seconds after which a test fails instead of hanging
SIZES = [(96, 128), (64, 64), (120, 90), (97, 131)]


def scene(number: int) -> np.ndarray:
    """A red thing that moves and a blue one that comes and goes, in frames of changing sizes."""
    things = [("red", (4 + 2 * number, 16, 30 + 2 * number, 44))] + [("blue", (40, 50, 62, 64))] * (number % 3 > 0)
    return picture(*things, size=SIZES[number // 3 % 4])


FRAMES = [scene(number) for number in range(14)]


def stream_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("isfp stream")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not stream_threads()


class GatedRuntime(OnnxRuntime):
    """Its image stage waits for `go` in each run, says `inside` when it does, and fails in the run number `fails`, from 1."""

    def __init__(self, fails: int = 0) -> None:
        super().__init__(threads=1)
        self.go, self.inside, self.fails, self.runs = threading.Event(), threading.Event(), fails, 0

    def _load(self, bundle, stage):
        runner = super()._load(bundle, stage)

        def run(**inputs):
            if stage == "image":
                self.runs += 1
                self.inside.set()
                assert self.go.wait(WAIT)
                if self.runs == self.fails:
                    raise RuntimeFailedError("the GPU fell off the bus")
            return runner(**inputs)

        return run


def assert_same(one, other) -> None:
    """Hold two results equal to the bit, but for the time that they took."""
    if isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
        return
    assert type(one) is type(other)
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "milliseconds":
            assert list(a) == list(b)
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
        elif field.name in ("best", "objects"):
            assert_same(list(a) if isinstance(a, tuple) else a, list(b) if isinstance(b, tuple) else b)
        else:
            assert a == b


@pytest.mark.parametrize("options", [{}, {"threshold": 0.9}, {"several": True}])
@pytest.mark.parametrize("text", ["red", ["the red thing", "blue", "the red thing"], []])
def test_results_are_those_of_a_plain_loop(segmenter, text, options):
    expected = [segmenter.run(frame, text, **options) for frame in FRAMES]
    items = list(segmenter.stream(iter(FRAMES), text, **options))
    assert [item.index for item in items] == list(range(len(FRAMES)))
    assert all(item.frame is frame for item, frame in zip(items, FRAMES, strict=True))
    assert_same([item.result for item in items], expected)


def test_results_of_a_smoother_are_those_of_a_plain_loop(segmenter):
    smoother, other = Smoother(segmenter), Smoother(segmenter)
    expected = [smoother.run(frame, ["red", "blue"]) for frame in FRAMES]
    assert_same([item.result for item in other.stream(FRAMES, ["red", "blue"])], expected)


def test_a_frame_that_was_prepared_gives_the_result_of_the_frame(segmenter):
    prepared = segmenter.prepare(FRAMES[0])
    for _ in range(2):
        assert_same(segmenter.run(prepared, "red"), segmenter.run(FRAMES[0], "red"))
    assert segmenter.look(prepared).stopwatch.milliseconds()["frame"] == prepared.milliseconds
    with pytest.raises(FrameError, match="was prepared for .*height=32.*; expected .*height=64"):
        segmenter.run(PreparedFrame.of(FRAMES[0], Framing(32, 64)), "red")


def test_each_item_has_the_time_stamp_of_its_frame(segmenter, tmp_path):
    with VideoFile(tmp_path / "a.avi", 10) as file:
        for number in range(8):
            file.write(picture(("red", (4 + 4 * number, 16, 68 + 4 * number, 80))))
    with camera.open(tmp_path / "a.avi") as source:
        stamps = [source.seconds for _ in source]
    with camera.open(tmp_path / "a.avi") as source:
        assert [item.seconds for item in segmenter.stream(source, "red")] == stamps
    assert stamps == pytest.approx(np.arange(8) / 10)


def test_of_another_source_the_time_is_that_of_reading(segmenter):
    seconds = [item.seconds for item in segmenter.stream(FRAMES, "red")]
    assert seconds[0] == 0
    assert seconds == sorted(seconds)


class Live:
    """A camera that gives a frame, four more while the network is busy with it, and then lets the network go on."""

    live = True

    def __init__(self, runtime: GatedRuntime) -> None:
        self.runtime = runtime

    def __iter__(self):
        yield FRAMES[0]
        assert self.runtime.inside.wait(WAIT)
        yield from FRAMES[1:5]
        self.runtime.go.set()


@pytest.mark.parametrize("options", [{}, {"drop_late": True}])
def test_late_frames_of_a_live_source_are_dropped_and_counted(colour_bundle, options):
    runtime = GatedRuntime()
    with Segmenter(colour_bundle, runtime) as segmenter:
        source = iter(Live(runtime)) if options else Live(runtime)
        stream = segmenter.stream(source, "red", **options)
        assert [item.index for item in stream] == [0, 4]
        assert stream.dropped == 3


def test_no_frame_is_dropped_where_that_is_not_wanted(colour_bundle):
    runtime = GatedRuntime()
    runtime.go.set()
    with Segmenter(colour_bundle, runtime) as segmenter:
        stream = segmenter.stream(Live(runtime), "red", drop_late=False)
        assert [item.index for item in stream] == [0, 1, 2, 3, 4]
        assert stream.dropped == 0


def test_a_live_frame_does_not_grow_old_while_results_wait(segmenter, runtime):
    read, taken = threading.Event(), threading.Event()

    def source():
        yield FRAMES[0]
        assert taken.wait(WAIT)
        yield FRAMES[1]
        while runtime.count("image") < 2:
            threading.Event().wait(0.01)
        yield from FRAMES[2:9]
        read.set()

    with segmenter.stream(source(), "red", drop_late=True) as stream:
        assert next(stream).index == 0
        taken.set()
        assert read.wait(WAIT)
        assert [item.index for item in stream] == [1, 8]


def test_an_error_of_the_source_comes_after_the_results_before_it(segmenter):
    lost = CameraError("the cable was pulled")

    def source():
        yield from FRAMES[:3]
        raise lost

    stream = segmenter.stream(source(), "red")
    assert [next(stream).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(CameraError) as raised:
        next(stream)
    assert raised.value is lost
    assert list(stream) == []
    assert segmenter.run(FRAMES[0], "red").found, "it is free again"


def test_a_frame_that_is_none_is_told_at_its_place(segmenter):
    stream = segmenter.stream([*FRAMES[:2], None, *FRAMES[2:]], "red")
    assert [next(stream).index for _ in range(2)] == [0, 1]
    with pytest.raises(FrameError, match="The frame is None"):
        next(stream)


def test_an_error_of_the_network_comes_at_its_place_and_ends_reading(colour_bundle):
    runtime, closed = GatedRuntime(fails=4), threading.Event()
    runtime.go.set()

    def endless():
        try:
            while True:
                yield FRAMES[0]
        finally:
            closed.set()

    with Segmenter(colour_bundle, runtime) as segmenter:
        stream = segmenter.stream(endless(), "red")
        assert [next(stream).index for _ in range(3)] == [0, 1, 2]
        with pytest.raises(RuntimeFailedError, match="fell off the bus"):
            next(stream)
        assert closed.is_set()
        assert next(iter(segmenter.stream(FRAMES, "red"))).index == 0, "another stream starts afresh"


def test_a_break_ends_threads_source_and_frames(segmenter):
    closed, frames = [], []

    def endless():
        try:
            while True:
                frame = scene(1)
                frames.append(weakref.ref(frame))
                yield frame
        finally:
            closed.append(threading.current_thread().name)

    for item in segmenter.stream(endless(), "red"):
        if item.index == 3:
            break
    assert not stream_threads()
    assert closed == ["isfp stream source"], "a generator is ended by the thread that ran it"
    assert segmenter.run(FRAMES[0], "red").found
    del item
    gc.collect()
    assert [frame for frame in frames if frame() is not None] == []


def test_at_most_five_frames_are_held_however_slow_the_caller_is(segmenter):
    made, held = [], []

    def source():
        for number in range(40):
            frame = scene(number % 14)
            made.append(weakref.ref(frame))
            held.append(sum(one() is not None for one in made))
            yield frame

    for _ in segmenter.stream(source(), "red"):
        threading.Event().wait(0.002)
    assert len(held) == 40
    assert max(held) <= 6  # one more than is held: the frame that is being made


def test_ctrl_c_ends_a_stream_that_waits(segmenter):
    read = []

    def source():
        for frame in FRAMES[:3]:
            read.append(frame)
            yield frame
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        yield from itertools.repeat(FRAMES[0])

    with pytest.raises(KeyboardInterrupt):
        list(segmenter.stream(source(), "red"))
    assert len(read) == 3
    assert not stream_threads()
    assert segmenter.run(FRAMES[0], "red").found


def test_an_error_of_the_caller_ends_it(segmenter):
    def divide():
        for item in segmenter.stream(FRAMES, "red"):
            item.index / 0

    with pytest.raises(ZeroDivisionError):
        divide()
    assert not stream_threads()


def test_a_stream_that_is_forgotten_ends(segmenter):
    stream = segmenter.stream(FRAMES, "red")
    next(stream)
    assert stream_threads()
    del stream
    assert not stream_threads()


def test_closing_ends_it_at_any_time_and_may_be_repeated(segmenter):
    begun = []
    source = (begun.append(number) or frame for number, frame in enumerate(FRAMES))
    unused = segmenter.stream(source, "red")
    unused.close()
    assert (list(unused), begun) == ([], [])
    with segmenter.stream(FRAMES, "red") as stream:
        next(stream)
        stream.close()
        stream.close()
        assert list(stream) == []


def test_a_source_that_hangs_is_left_to_its_thread(segmenter, monkeypatch, caplog):
    monkeypatch.setattr(stream_module, "_PATIENCE", 0.1)
    hang = threading.Event()

    def source():
        yield FRAMES[0]
        assert hang.wait(WAIT)
        yield FRAMES[1]

    with segmenter.stream(source(), "red") as stream:
        next(stream)
    assert stream_threads() == ["isfp stream source"]
    assert "gave no frame for 0.1 s" in caplog.text
    assert segmenter.run(FRAMES[0], "red").found, "the network is free all the same"
    hang.set()
    for thread in threading.enumerate():
        if thread.name == "isfp stream source":
            thread.join(WAIT)


def test_a_program_that_ends_in_the_middle_of_a_stream_ends_cleanly(colour_bundle):
    code = (
        "import itertools, numpy, isfp\n"
        f"segmenter = isfp.Segmenter({str(colour_bundle)!r})\n"
        "stream = segmenter.stream(itertools.repeat(numpy.zeros((90, 120, 3), numpy.uint8)), 'red')\n"
        "next(stream)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_phrase_can_be_changed_on_the_way(segmenter):
    two = picture(("red", (8, 20, 40, 52)), ("blue", (80, 40, 120, 80)))
    with segmenter.stream(itertools.repeat(two), "red") as stream:
        assert next(stream).result.text == stream.text == "red"
        stream.text = "blue"
        texts = [next(stream).result.text for _ in range(4)]
        assert texts[-1] == "blue"
        assert texts == sorted(texts, reverse=True), "once it has changed, it stays"
        with pytest.raises(PhraseError, match="has no words"):
            stream.text = "?!"
        assert stream.text == next(stream).result.text == "blue"


def test_a_list_of_phrases_is_copied(segmenter):
    phrases = ["red", "blue"]
    with segmenter.stream(FRAMES, phrases) as stream:
        phrases.clear()
        assert [result.text for result in next(stream).result] == ["red", "blue"]


def test_the_segmenter_belongs_to_the_stream_while_it_runs(segmenter):
    first, second = segmenter.stream(FRAMES, "red"), segmenter.stream(FRAMES, "blue")
    next(first)
    for use in (lambda: segmenter.run(FRAMES[0], "red"), segmenter.close, lambda: next(second)):
        with pytest.raises(SegmenterInUseError, match="'isfp stream' was using it"):
            use()
    assert len(list(first)) == len(FRAMES) - 1
    assert len(list(segmenter.stream(FRAMES, "blue"))) == len(FRAMES)


@pytest.mark.parametrize(
    ("frames", "text", "options", "error", "message"),
    [
        ("in.mp4", "red", {}, IsfpError, r"are the text 'in.mp4'; expected frames.*isfp.camera.open\('in.mp4'\)"),
        (7, "red", {}, IsfpError, "are of the type int; expected what can be iterated over"),
        (FRAMES, "?", {}, PhraseError, "has no words"),
        (FRAMES, ["red", None], {}, PhraseError, "None"),
        (FRAMES, "red", {"threshold": 2}, IsfpError, "from 0 to 1"),
    ],
)
def test_what_cannot_be_streamed_is_refused_before_a_frame_is_read(segmenter, frames, text, options, error, message):
    with pytest.raises(error, match=message):
        segmenter.stream(frames, text, **options)
