"""Whoever asks about frames runs the image stage once for each: video, explain, the page, evaluation, bench and the ROS node."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import cv2
import pytest

from isfp.cli import main as cli
from isfp.diagnose.bench import process
from isfp.explain.channels import channel_masks
from isfp.explain.words import word_effects
from isfp.runtimes import RUNTIMES
from isfp.video import Smoother
from isfp.web.asker import Asker
from isfp_train.measure.predictors import BundlePredictor
from tests.paths import ROOT
from tests.sdk.colour_bundle import picture
from tests.sdk.counting_runtime import CountingRuntime

FRAME = picture(("red", (8, 20, 40, 52)), ("blue", (80, 40, 120, 80)))


def test_smoothed_video(segmenter, runtime):
    smoother = Smoother(segmenter)
    for _ in range(3):
        smoother.run(FRAME, ["red", "blue", "Red!"])
    assert (runtime.count("image"), runtime.count("text")) == (3, 1)
    assert [count for stage, count in runtime.ran if stage == "identify"] == [2, 2, 2]
    assert [count for stage, count in runtime.ran if stage == "mask"] == [2, 2, 2]


def test_explanations(segmenter, runtime):
    view = segmenter.look(FRAME)
    view.find(["the red thing", "blue"])
    channel_masks(view, "blue")
    word_effects(view, "the red thing")
    assert runtime.count("image") == 1
    assert runtime.count("text") == 2  # the phrases, and the one without each of its words
    assert runtime.count("identify") == 2


def test_the_explain_command(colour_bundle, monkeypatch, tmp_path):
    made = []

    class Recorded(CountingRuntime):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setitem(RUNTIMES, "counting", f"{__name__}:Recorded")
    monkeypatch.setattr(sys.modules[__name__], "Recorded", Recorded, raising=False)
    cv2.imwrite(str(tmp_path / "scene.png"), FRAME)
    options = ["--image", str(tmp_path / "scene.png"), "--phrase", "the red thing", "--phrase", "blue"]
    options += ["--out", str(tmp_path / "out"), "--runtime", "counting"]
    monkeypatch.setattr(sys, "argv", ["isfp", "explain", str(colour_bundle), *options])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert made[0].count("image") == 1


def test_the_page_with_candidates(colour_bundle, runtime):
    asker = Asker(colour_bundle, runtime)
    runtime.ran.clear()
    content = cv2.imencode(".png", FRAME)[1].tobytes()
    answer = asyncio.run(asker.find(content, "red", 3))
    asker.close()
    assert answer["candidates"]
    assert [stage for stage, _ in runtime.ran] == ["image", "text", "identify", "mask", "mask"]


@pytest.mark.parametrize("cells", [None, [0, None]])
def test_evaluation(colour_bundle, runtime, cells):
    predictor = BundlePredictor(colour_bundle, runtime)
    predictor.answer(FRAME[..., ::-1], ["red", "blue"], cells)
    assert runtime.ran == [("image", 1), ("text", 2), ("identify", 2), ("mask", 2)]


def test_a_turn_of_the_benchmark(segmenter, runtime, monkeypatch):
    monkeypatch.setattr(process, "_ready", [process._Ready(segmenter, FRAME)])
    process._turn(process.Question(("red", "green")), 3)
    assert [runtime.count(stage) for stage in ("image", "text", "identify", "mask")] == [5, 1, 5, 5]  # one to warm up, one timed
    process._turn(process.Question(("red",), present=False), 3)
    assert [runtime.count(stage) for stage in ("image", "identify", "mask")] == [10, 10, 5]


def test_the_ros_node(segmenter, runtime, monkeypatch):
    needed = ["rclpy", "rclpy.executors", "rclpy.node", "rclpy.qos", "diagnostic_msgs.msg", "isfp_ros.srv", "messages"]
    needed += ["rcl_interfaces.msg", "sensor_msgs.msg", "std_msgs.msg", "vision_msgs.msg", "diagnosis", "newest", "pixels"]
    for name in needed:
        monkeypatch.setitem(sys.modules, name, MagicMock(Node=object, Image=MagicMock))
    sys.modules["messages"].frame_of.return_value = FRAME
    spec = importlib.util.spec_from_file_location("isfp_node", ROOT / "samples" / "ros2" / "isfp_node.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    node = MagicMock(segmenter=segmenter, query="red")
    node.get_parameter.return_value = SimpleNamespace(value=1.0)
    node.overlay.get_subscription_count.return_value = 1
    module.IsfpNode.answer(node, MagicMock())
    assert runtime.ran == [("image", 1), ("text", 1), ("identify", 1)]  # nothing reaches a threshold of 1
    assert segmenter.threshold == 0.5
