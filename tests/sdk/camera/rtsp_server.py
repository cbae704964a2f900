"""A real RTSP server on loopback, for tests: python3 rtsp_server.py PORT COLOUR STRIP.

Run by the system's Python, with Debian's python3-gi and gir1.2-gst-rtsp-server-1.0. Its camera, rtsp://127.0.0.1:PORT/camera, sees
one colour at 20 frames a second, with a black strip of so many pixels at the left.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
for element in ("videotestsrc", "videobox", "jpegenc", "rtpjpegpay"):
    if not Gst.ElementFactory.find(element):
        sys.exit(f"GStreamer lacks {element}: apt install gstreamer1.0-plugins-base gstreamer1.0-plugins-good")

port, colour, strip = sys.argv[1:]
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( videotestsrc is-live=true pattern={colour} ! video/x-raw,format=I420,width={160 - int(strip)},height=128,framerate=20/1 "
    f"! videobox left=-{strip} fill=black ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)
factory.set_shared(True)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
server.get_mount_points().add_factory("/camera", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
