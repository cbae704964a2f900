#!/usr/bin/env python3
"""Point at things in ROS 2: ros2 run isfp_ros isfp_node --ros-args -p bundle:=models/edge.isfp -r input_image:=/camera/image_raw.

Then: ros2 topic pub --once /input_query std_msgs/msg/String "{data: the red mug}". docs/ros2.md has topics and parameters.
"""

import sys
from time import monotonic, perf_counter

try:
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from isfp_ros.srv import SetQuery
    from messages import detections_of, frame_of, image_of
    from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
    from rclpy.executors import ExternalShutdownException
    from rclpy.node import Node
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image
    from std_msgs.msg import String
    from vision_msgs.msg import Detection2DArray
except ImportError as error:
    sys.exit(
        f"isfp_node: {error}. It needs ROS 2 (source /opt/ros/$ROS_DISTRO/setup.bash), its vision_msgs (sudo apt install "
        "ros-$ROS_DISTRO-vision-msgs), isfp (pip install isfp), and to be built itself (colcon build --packages-select isfp_ros; "
        "source install/setup.bash)."
    )

import numpy as np
from diagnosis import Diagnosis

from isfp import IsfpError, PhraseError, Segmenter
from isfp.draw import overlay

# A frame is worked on at a time: of those that come meanwhile the newest waits, and the others are dropped.
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# Subscribers may ask for either kind of delivery.
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
        self.query = ""
        self.complained = ("", 0.0)
        self.diagnosis = Diagnosis(f"{self.get_fully_qualified_name()}: segmentation", self.segmenter.runtime.name)

        self.mask = self.create_publisher(Image, "mask", ANYONE)
        self.overlay = self.create_publisher(Image, "overlay", ANYONE)
        self.detections = self.create_publisher(Detection2DArray, "detections", ANYONE)
        self.diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_subscription(Image, "input_image", self.on_image, NEWEST)
        self.create_subscription(String, "input_query", lambda message: self.ask(message.data), 1)
        self.create_service(SetQuery, "set_query", self.on_set_query)
        self.create_timer(1.0, self.diagnose)
        self.get_logger().info(f"{bundle} on {self.segmenter.runtime.name}; waiting for input_image and input_query")

    def on_image(self, message: Image) -> None:
        if not self.query:
            return
        start = perf_counter()
        self.segmenter.threshold = self.get_parameter("threshold").value
        try:
            frame = frame_of(message)
            result = self.segmenter.run(frame, self.query)
        except IsfpError as error:  # one bad image is no reason to stop looking at the next
            self.diagnosis.refused(str(error))
            self.complain(str(error))
            return
        self.mask.publish(image_of(result.mask.astype(np.uint8) * 255, "mono8", message.header))
        self.detections.publish(detections_of(result, message.header))
        run = (perf_counter() - start) * 1e3
        stamp = message.header.stamp
        self.diagnosis.answered(run, self.get_clock().now().nanoseconds / 1e6 - (stamp.sec * 1e3 + stamp.nanosec / 1e6))
        if self.overlay.get_subscription_count():
            self.overlay.publish(image_of(overlay(frame, [result]), "bgr8", message.header))

    def on_set_query(self, request: SetQuery.Request, response: SetQuery.Response) -> SetQuery.Response:
        response.success, response.message = self.ask(request.query)
        return response

    def ask(self, query: str) -> tuple[bool, str]:
        try:
            unknown = self.segmenter.vocabulary.encode(query, self.segmenter.bundle.manifest.max_words).unknown
        except PhraseError as error:
            self.complain(str(error))
            return False, str(error)
        self.query = query
        note = f"words that the model does not know: {', '.join(unknown)}" if unknown else ""
        self.get_logger().info(f"looking for {query!r}" + (f"; {note}" if note else ""))
        return True, note

    def complain(self, text: str) -> None:
        """Log an error; the same one again after 5 s at the soonest, for a camera repeats its mistakes at 30 a second."""
        if text != self.complained[0] or monotonic() - self.complained[1] > 5:
            self.complained = text, monotonic()
            self.get_logger().error(text)

    def diagnose(self) -> None:
        array = DiagnosticArray(status=[self.diagnosis.status(self.query)])
        array.header.stamp = self.get_clock().now().to_msg()
        self.diagnostics.publish(array)


def main() -> None:
    rclpy.init()
    try:
        node = IsfpNode()
        with node.segmenter:
            rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except IsfpError as error:
        sys.exit(f"isfp_node: {error}")
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
