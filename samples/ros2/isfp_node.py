#!/usr/bin/env python3
"""Find objects in ROS 2: ros2 run isfp_ros isfp_node --ros-args -p bundle:=models/edge.isfp -r input_image:=/camera/image_raw.

Then: ros2 topic pub --once /input_query std_msgs/msg/String "{data: the red mug}". docs/ros2.md lists topics and parameters.
"""

import sys
import threading
from time import monotonic, perf_counter

try:
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from isfp_ros.srv import SetQuery
    from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
    from rclpy.executors import ExternalShutdownException
    from rclpy.node import Node
    from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
    from sensor_msgs.msg import CompressedImage, Image
    from std_msgs.msg import String
    from vision_msgs.msg import Detection2DArray

    from messages import compressed_frame_of, detections_of, frame_of, image_of
except ImportError as error:
    sys.exit(
        f"isfp_node: {error}. It needs ROS 2 (source /opt/ros/$ROS_DISTRO/setup.bash), vision_msgs (sudo apt install "
        "ros-$ROS_DISTRO-vision-msgs) and isfp (docs/ros2.md), and must be built first (colcon build "
        "--packages-select isfp_ros; source install/setup.bash)."
    )

import numpy as np

from diagnosis import Diagnosis
from isfp import IsfpError, PhraseError, Segmenter
from isfp.draw import overlay
from newest import Newest

# Matches reliable and best-effort subscribers.
ANYONE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)


class IsfpNode(Node):
    def __init__(self) -> None:
        super().__init__("isfp")
        fixed = ParameterDescriptor(read_only=True)
        bundle = self.declare_parameter("bundle", "models/edge.isfp", fixed).value
        runtime = self.declare_parameter("runtime", "auto", fixed).value
        self.segmenter = Segmenter(bundle, runtime=runtime)
        probability = ParameterDescriptor(floating_point_range=[FloatingPointRange(from_value=0.0, to_value=1.0)])
        self.declare_parameter("threshold", self.segmenter.threshold, probability)
        self.query = self.note = ""
        self.complained = ("", 0.0)
        self.newest: Newest[Image | CompressedImage] = Newest()
        self.diagnosis = Diagnosis(f"{self.get_fully_qualified_name()}: segmentation", self.segmenter.runtime.name)

        self.mask = self.create_publisher(Image, "mask", ANYONE)
        self.overlay = self.create_publisher(Image, "overlay", ANYONE)
        self.detections = self.create_publisher(Detection2DArray, "detections", ANYONE)
        self.diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_subscription(Image, "input_image", self.newest.put, qos_profile_sensor_data)
        self.create_subscription(CompressedImage, "input_image/compressed", self.newest.put, qos_profile_sensor_data)
        self.create_subscription(String, "input_query", lambda message: self.ask(message.data), 1)
        self.create_service(SetQuery, "set_query", self.on_set_query)
        self.create_timer(1.0, self.diagnose)
        self.get_logger().info(f"{bundle} on {self.segmenter.runtime.name}; waiting for input_image and input_query")

    def work(self) -> None:
        """Answer images one by one, in its own thread, until the node is closed."""
        while (message := self.newest.take()) is not None:
            try:
                if self.query:
                    self.answer(message)
            except Exception as error:  # an error in one image must not stop the next
                if rclpy.ok():  # not an error if the node is shutting down
                    why = str(error) if isinstance(error, IsfpError) else f"{type(error).__name__}: {error}"
                    self.diagnosis.refused(why)
                    self.complain(why)

    def answer(self, message: Image | CompressedImage) -> None:
        start = perf_counter()
        frame = frame_of(message) if isinstance(message, Image) else compressed_frame_of(message)
        result = self.segmenter.look(frame, [self.query]).find(self.query, self.get_parameter("threshold").value)
        self.mask.publish(image_of(result.mask.astype(np.uint8) * 255, "mono8", message.header))
        self.detections.publish(detections_of(result, message.header))
        run = (perf_counter() - start) * 1e3
        stamp = message.header.stamp
        age = self.get_clock().now().nanoseconds / 1e6 - (stamp.sec * 1e3 + stamp.nanosec / 1e6)
        self.diagnosis.answered(run, age, result.notes)
        if self.overlay.get_subscription_count():
            self.overlay.publish(image_of(overlay(frame, [result]), "bgr8", message.header))

    def on_set_query(self, request: SetQuery.Request, response: SetQuery.Response) -> SetQuery.Response:
        response.success, response.message = self.ask(request.query)
        return response

    def ask(self, query: str) -> tuple[bool, str]:
        try:
            note = "; ".join(self.segmenter.notes(query))
        except PhraseError as error:
            self.complain(str(error))
            return False, str(error)
        self.query, self.note = query, note
        self.get_logger().info(f"looking for {query!r}" + (f"; {note}" if note else ""))
        return True, note

    def complain(self, text: str) -> None:
        """Log an error, at most once every 5 s if it is the same one: a camera would repeat it at 30 frames per second."""
        if text != self.complained[0] or monotonic() - self.complained[1] > 5:
            self.complained = text, monotonic()
            self.get_logger().error(text)

    def diagnose(self) -> None:
        array = DiagnosticArray(status=[self.diagnosis.status(self.query, self.note)])
        array.header.stamp = self.get_clock().now().to_msg()
        self.diagnostics.publish(array)


def main() -> None:
    rclpy.init()
    try:
        node = IsfpNode()
        worker = threading.Thread(target=node.work)
        worker.start()
        try:
            rclpy.spin(node)
        finally:
            node.newest.close()
            worker.join()
            node.segmenter.close()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except IsfpError as error:
        sys.exit(f"isfp_node: {error}")
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
