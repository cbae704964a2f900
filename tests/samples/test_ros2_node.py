"""The ROS 2 node among real ROS 2 processes: a publisher, the node, a subscriber, in an environment of their own."""

import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import pytest

from tests.samples.ros2 import ros_environment
from tests.sdk.colour_bundle import picture

HERE = Path(__file__).parent / "ros2"

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(1500)]  # the first test makes the environment
RED = (30, 20, 70, 60)  # where the red thing is: x1, y1, x2, y2


class Process:
    """A ROS 2 process whose lines are read as they come."""

    def __init__(self, command, ros):
        self.popen = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ros
        )
        self.lines, self.log = queue.Queue(), []
        for stream, sink in ((self.popen.stdout, self.lines.put), (self.popen.stderr, self.log.append)):
            threading.Thread(target=lambda stream=stream, sink=sink: [sink(line) for line in stream], daemon=True).start()

    def order(self, **order):
        """Send the publisher an order, and return its answer."""
        self.popen.stdin.write(json.dumps(order) + "\n")
        self.popen.stdin.flush()
        return json.loads(self.lines.get(timeout=60))

    def message(self, topic, within=30.0, **wanted):
        """Return the subscriber's next message of a topic whose fields are the wanted ones; None where none came in time."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = json.loads(self.lines.get(timeout=left))
            except queue.Empty:
                break
            if message["topic"] == topic and all(message[key] == value for key, value in wanted.items()):
                return message
        return None

    def logged(self, text, within=10.0):
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if any(text in line for line in self.log):
                return True
            time.sleep(0.05)
        return False

    def stop(self, how=signal.SIGINT):
        self.popen.send_signal(how)
        return self.popen.wait(timeout=30)


@pytest.fixture(scope="module")
def ros_python():
    try:
        return ros_environment.make()
    except ros_environment.CannotBeMadeError as error:
        pytest.skip(f"no ROS 2 here: {error}")


@pytest.fixture(scope="module")
def ros():
    """A domain of this machine's own, so that no other ROS 2 meddles."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {
        **clean,
        "ROS_DOMAIN_ID": str(os.getpid() % 100 + 1),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4",  # shared memory is small in containers, and given up where a process is stopped
    }


def node_command(ros_python, bundle):
    script = ros_environment.PLACE / "lib" / "isfp_ros" / "isfp_node"  # as it is installed
    return [ros_python, script, "--ros-args", "-p", f"bundle:={bundle}"]


@pytest.fixture(scope="module")
def processes(ros_python, ros, colour_bundle):
    node = Process(node_command(ros_python, colour_bundle), ros)
    subscriber = Process([ros_python, HERE / "subscriber.py"], ros)
    publisher = Process([ros_python, HERE / "publisher.py"], ros)
    assert node.logged("waiting for input_image", 60), node.log
    assert subscriber.message("diagnostics"), subscriber.log  # they have found each other
    yield publisher, node, subscriber
    for process in (publisher, subscriber, node):
        process.popen.kill()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A red thing and a blue one, in each encoding; the file of each."""
    folder, frame = tmp_path_factory.mktemp("pictures"), picture(("red", RED), ("blue", (90, 20, 120, 50)))
    encoded = {"bgr8": frame, "rgb8": frame[..., ::-1], "mono8": cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)}
    for encoding, pixels in encoded.items():
        cv2.imwrite(str(folder / f"{encoding}.png"), pixels)
    return {encoding: str(folder / f"{encoding}.png") for encoding in encoded}


stamps = itertools.count(1000)


def answer(processes, topic="mask", tries=3, **image):
    """Publish an image, and return what the node says to it: it has the image's stamp."""
    publisher, _, subscriber = processes
    for _ in range(tries):  # best effort may lose one
        stamp = next(stamps)
        assert publisher.order(image={"stamp": stamp, **image})
        if found := subscriber.message(topic, within=5, stamp=[stamp, 500]):
            return found
    raise AssertionError(f"no {topic} came for {image}")


def close_to(box):
    return pytest.approx(box, abs=2)


def test_no_query_no_mask_and_the_diagnostics_say_so(processes, pictures):
    publisher, _, subscriber = processes
    assert publisher.order(image={"stamp": next(stamps), "encoding": "bgr8", "picture": pictures["bgr8"]})
    assert subscriber.message("mask", within=1) is None
    status = subscriber.message("diagnostics")
    assert (status["level"], status["message"]) == (1, "no query yet: publish one on input_query")


@pytest.mark.parametrize("encoding", ["bgr8", "rgb8"])
@pytest.mark.parametrize("padding", [0, 7])
def test_the_mask_is_that_of_the_thing_asked_for_and_has_the_frames_own_header(processes, pictures, encoding, padding):
    publisher, node, _ = processes
    assert publisher.order(query="the red thing")
    assert node.logged("looking for 'the red thing'")
    mask = answer(processes, encoding=encoding, picture=pictures[encoding], padding=padding)
    assert mask["frame_id"] == "hand_camera"
    assert (mask["encoding"], mask["size"], mask["step"], mask["values"]) == ("mono8", [128, 96], 128, [0, 255])
    assert mask["box"] == close_to(RED)


def test_a_grey_image_is_taken_and_what_is_not_there_has_an_empty_mask_and_no_detection(processes, pictures):
    processes[0].order(set_query="the red thing")
    mask = answer(processes, encoding="mono8", picture=pictures["mono8"], padding=3)
    assert (mask["encoding"], mask["size"], mask["box"]) == ("mono8", [128, 96], None)
    assert answer(processes, "detections", encoding="mono8", picture=pictures["mono8"])["found"] == []


def test_the_detection_has_box_phrase_and_score(processes, pictures):
    processes[0].order(set_query="blue")
    message = answer(processes, "detections", encoding="bgr8", picture=pictures["bgr8"])
    (found,) = message["found"]
    assert found["centre"] == close_to([105, 35])
    assert found["size"] == close_to([30, 30])
    assert (found["class"], found["stamp"]) == ("blue", message["stamp"][0])
    assert 0.5 < found["score"] <= 1


def test_a_compressed_image_is_answered_with_its_own_header(processes, pictures):
    processes[0].order(set_query="the red thing")
    for compressed in ("jpeg", "png"):
        mask = answer(processes, compressed=compressed, picture=pictures["bgr8"])
        assert (mask["size"], mask["frame_id"], mask["box"]) == ([128, 96], "hand_camera", close_to(RED))


def test_the_overlay_is_the_frame_with_the_thing_painted(processes, pictures):
    processes[0].order(set_query="the red thing")
    painted = answer(processes, "overlay", encoding="bgr8", picture=pictures["bgr8"])
    assert (painted["encoding"], painted["size"], painted["frame_id"]) == ("bgr8", [128, 96], "hand_camera")
    assert abs(painted["mean"] - cv2.imread(pictures["bgr8"]).mean()) > 1


BAD = {
    "This is how depth is published": {"encoding": "16UC1"},
    "encoding is ''": {"encoding": ""},
    "image is 0 x 0 pixels": {"width": 0, "height": 0, "step": 0, "data": []},
    "image is 0 x 96 pixels": {"width": 0, "step": 0, "data": []},
    "image has 10 bytes in rows of 384": {"data": [0] * 10},
    "bytes in rows of 12; expected 96 rows of 384": {"step": 12},
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_image_is_logged_and_the_node_lives_on(processes, pictures, message):
    publisher, node, subscriber = processes
    publisher.order(set_query="the red thing")
    for _ in range(3):
        publisher.order(image={"stamp": next(stamps), "encoding": "bgr8", "picture": pictures["bgr8"], **BAD[message]})
        if node.logged(message, 3):
            break
    assert node.logged(message, 0.1), node.log
    assert any("[ERROR]" in line and message in line for line in node.log)
    statuses = (subscriber.message("diagnostics", level=2) for _ in range(8))  # the first may tell of an image before
    status = next(status for status in statuses if message in status["message"])
    assert int(status["values"]["images rejected"]) > 0
    assert answer(processes, encoding="bgr8", picture=pictures["bgr8"])["box"] == close_to(RED)


def test_a_query_without_words_is_refused_and_the_one_before_stays(processes, pictures):
    publisher, node, _ = processes
    assert publisher.order(set_query="the red thing") == [True, ""]
    assert publisher.order(query="?!")
    assert node.logged("has no words")
    success, why = publisher.order(set_query=" ")
    assert not success
    assert "has no words" in why
    assert answer(processes, encoding="bgr8", picture=pictures["bgr8"])["box"] == close_to(RED)


def test_the_service_says_which_words_are_not_known(processes):
    assert processes[0].order(set_query="the purple thing") == [True, "unknown words: purple"]


def test_the_threshold_can_be_set_while_the_node_runs(processes, pictures):
    publisher = processes[0]
    publisher.order(set_query="the red thing")
    success, _ = publisher.order(threshold=7.0)
    assert not success
    assert publisher.order(threshold=1.0)[0]
    assert answer(processes, encoding="bgr8", picture=pictures["bgr8"])["box"] is None
    assert publisher.order(threshold=0.5)[0]
    assert answer(processes, encoding="bgr8", picture=pictures["bgr8"])["box"] == close_to(RED)


def test_diagnostics_give_the_latency(processes, pictures):
    processes[0].order(set_query="the red thing")
    answer(processes, encoding="bgr8", picture=pictures["bgr8"])
    status = processes[2].message("diagnostics")
    values = status["values"]
    assert status["name"] == "/isfp: segmentation"
    assert (values["query"], values["runtime"]) == ("the red thing", "onnxruntime")
    assert 0 < float(values["latency ms, median"]) <= float(values["latency ms, maximum"])
    assert float(values["since the image's stamp ms, median"]) > 1e6  # these stamps are of 1970
    assert float(values["frames per second"]) > 0


def test_images_are_taken_as_sensor_data_and_of_those_that_came_meanwhile_only_the_newest(processes, pictures, tmp_path):
    publisher, node, subscriber = processes
    assert publisher.order(reliability="input_image") == ["BEST_EFFORT"]
    publisher.order(set_query="the red thing")
    answer(processes, encoding="bgr8", picture=pictures["bgr8"])
    small = str(tmp_path / "small.png")  # so small that what waits for the node fits into its socket
    cv2.imwrite(small, cv2.resize(cv2.imread(pictures["bgr8"]), (32, 24), interpolation=cv2.INTER_AREA))
    node.popen.send_signal(signal.SIGSTOP)  # the node is busy
    sent = [next(stamps) for _ in range(20)]
    for stamp in sent:
        publisher.order(image={"stamp": stamp, "encoding": "bgr8", "picture": small})
    node.popen.send_signal(signal.SIGCONT)
    masks = []
    while mask := subscriber.message("mask", within=3):
        masks.append(mask["stamp"][0])
    assert len(masks) <= 5
    # A busy Fast DDS may not wake its reader for the last of a burst; the next image does, as a camera has one.
    assert not masks or masks[-1] == sent[-1]
    assert answer(processes, encoding="bgr8", picture=small)["stamp"][0] > sent[-1]


def test_the_node_ends_cleanly_when_asked_to(ros_python, ros, colour_bundle):
    node = Process(node_command(ros_python, colour_bundle), {**ros, "ROS_DOMAIN_ID": "101"})
    assert node.logged("waiting for input_image", 60), node.log
    assert node.stop() == 0
    assert not any("Traceback" in line for line in node.log), node.log


def test_the_node_says_what_is_wrong_with_its_bundle(ros_python, ros, tmp_path):
    node = Process(node_command(ros_python, tmp_path / "none.isfp"), ros)
    assert node.popen.wait(60) == 1
    assert node.logged("isfp_node: The bundle")


def test_without_ros_the_node_says_what_to_install():
    script = ros_environment.ROOT / "samples" / "ros2" / "isfp_node.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "It needs ROS 2 (source /opt/ros/" in done.stderr
    assert "vision-msgs" in done.stderr
