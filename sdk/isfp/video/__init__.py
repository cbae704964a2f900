"""Frames that follow each other: masks steadied over time, and how steady they are."""

from isfp.video.smoother import Smoother

__all__ = ["Smoother"]
