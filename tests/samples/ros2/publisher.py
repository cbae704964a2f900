"""A camera and an operator, as a ROS 2 process: takes orders as lines of JSON, and answers each with one.

{"image": {"picture": FILE, "encoding": "bgr8", "stamp": 7, ...}}   any other field of the message too, as it stands
{"query": "the red mug"}, {"set_query": "the red mug"}, {"threshold": 0.5}, {"reliability": "input_image"}
"""

import json
import sys
import time
from array import array

import cv2
import rclpy
from isfp_ros.srv import SetQuery
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String


class Publisher(Node):
    def __init__(self) -> None:
        super().__init__("camera")
        self.images = self.create_publisher(Image, "input_image", qos_profile_sensor_data)
        self.compressed = self.create_publisher(CompressedImage, "input_image/compressed", qos_profile_sensor_data)
        self.queries = self.create_publisher(String, "input_query", 1)
        self.set_query = self.create_client(SetQuery, "set_query")
        self.set_parameters = self.create_client(SetParameters, "isfp/set_parameters")

    def image(self, fields: dict) -> bool:
        picture = cv2.imread(fields.pop("picture"), cv2.IMREAD_UNCHANGED)
        stamp = fields.pop("stamp")
        if kind := fields.pop("compressed", None):  # "jpeg" or "png"
            message = CompressedImage(format=f"bgr8; {kind} compressed bgr8")
            message.data = array("B", cv2.imencode(f".{kind}", picture)[1].tobytes())
            message.header.frame_id, message.header.stamp.sec, message.header.stamp.nanosec = "hand_camera", stamp, 500
            return self.wait_for_node(self.compressed) and self.compressed.publish(message) is None
        padded = cv2.copyMakeBorder(picture, 0, 0, 0, fields.pop("padding", 0), cv2.BORDER_CONSTANT, value=(0, 0, 255))
        message = Image(height=picture.shape[0], width=picture.shape[1], step=padded[0].nbytes, data=array("B", padded.tobytes()))
        message.header.frame_id, message.header.stamp.sec, message.header.stamp.nanosec = "hand_camera", stamp, 500
        for field, value in fields.items():
            setattr(message, field, array("B", value) if field == "data" else value)
        return self.wait_for_node(self.images) and self.images.publish(message) is None

    def query(self, text: str) -> bool:
        return self.wait_for_node(self.queries) and self.queries.publish(String(data=text)) is None

    def wait_for_node(self, publisher) -> bool:
        deadline = time.monotonic() + 30
        while not publisher.get_subscription_count() and time.monotonic() < deadline:
            time.sleep(0.05)
        return publisher.get_subscription_count() > 0

    def call(self, client, request):
        client.wait_for_service(30)
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self, future, timeout_sec=30)
        return future.result()


def main() -> None:
    rclpy.init()
    node = Publisher()
    for line in sys.stdin:
        ((order, value),) = json.loads(line).items()
        if order == "set_query":
            response = node.call(node.set_query, SetQuery.Request(query=value))
            answer = [response.success, response.message]
        elif order == "threshold":
            request = SetParameters.Request(parameters=[Parameter("threshold", value=value).to_parameter_msg()])
            (result,) = node.call(node.set_parameters, request).results
            answer = [result.successful, result.reason]
        elif order == "reliability":
            answer = [info.qos_profile.reliability.name for info in node.get_subscriptions_info_by_topic(value)]
        else:
            answer = getattr(node, order)(value)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
