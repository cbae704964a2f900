"""Frames of live sources, and recordings of what is shown."""

from isfp.camera.camera import Camera, open

__all__ = ["Camera", "open"]
