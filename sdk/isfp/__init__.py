"""Point with words: a camera frame and a phrase go in, the mask of that one object comes out."""

from isfp.errors import (
    BundleCorruptError,
    BundleError,
    BundleMissingError,
    BundleVersionError,
    CameraError,
    EngineMismatchError,
    FrameError,
    IsfpError,
    PhraseError,
    RuntimeFailedError,
    RuntimeUnavailableError,
)
from isfp.result import Candidate, Segmentation
from isfp.segmenter import Segmenter

__all__ = [
    "BundleCorruptError",
    "BundleError",
    "BundleMissingError",
    "BundleVersionError",
    "CameraError",
    "Candidate",
    "EngineMismatchError",
    "FrameError",
    "IsfpError",
    "PhraseError",
    "RuntimeFailedError",
    "RuntimeUnavailableError",
    "Segmentation",
    "Segmenter",
]
