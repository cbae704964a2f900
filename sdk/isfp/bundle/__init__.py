"""The bundle: a folder with the stages, their manifest and their hashes."""

from isfp.bundle.bundle import Bundle

__all__ = ["Bundle"]
