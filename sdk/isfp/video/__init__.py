"""Video: masks that are stable over time, and metrics of their stability."""

from isfp.video.smoother import Smoother

__all__ = ["Smoother"]
