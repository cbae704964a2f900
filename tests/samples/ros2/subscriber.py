"""What listens to the node, as a ROS 2 process: prints each message as a line of JSON."""

import json

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray


class Subscriber(Node):
    def __init__(self) -> None:
        super().__init__("listener")
        reliable, best_effort = (
            QoSProfile(depth=20, reliability=kind) for kind in (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT)
        )
        self.create_subscription(Image, "mask", lambda message: self.image("mask", message), reliable)
        self.create_subscription(Image, "overlay", lambda message: self.image("overlay", message), best_effort)
        self.create_subscription(Detection2DArray, "detections", self.detections, reliable)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.diagnostics, 10)

    def image(self, topic: str, message: Image) -> None:
        pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
        rows, columns = np.nonzero(pixels)
        box = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1] if rows.size else None
        values = np.unique(pixels).tolist() if topic == "mask" else []
        told = {"encoding": message.encoding, "size": [message.width, message.height], "step": message.step, "box": box}
        say(topic, message.header, mean=pixels.mean(), values=values, **told)

    def detections(self, message: Detection2DArray) -> None:
        found = [
            {
                "centre": [one.bbox.center.position.x, one.bbox.center.position.y],
                "size": [one.bbox.size_x, one.bbox.size_y],
                "class": one.results[0].hypothesis.class_id,
                "score": one.results[0].hypothesis.score,
                "stamp": one.header.stamp.sec,
            }
            for one in message.detections
        ]
        say("detections", message.header, found=found)

    def diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            say("diagnostics", message.header, name=status.name, level=status.level[0], message=status.message, values=values)


def say(topic: str, header: Header, **rest: object) -> None:
    stamp = [header.stamp.sec, header.stamp.nanosec]
    print(json.dumps({"topic": topic, "stamp": stamp, "frame_id": header.frame_id, **rest}), flush=True)


if __name__ == "__main__":
    rclpy.init()
    rclpy.spin(Subscriber())
