"""Find objects by description: a camera frame and a phrase go in, the mask of the object comes out."""

from isfp.diagnose.opencv import check_opencv

check_opencv()

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import version as _version

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
    SegmenterInUseError,
    StaleViewError,
    WriteError,
)
from isfp.segmenter import Segmenter
from isfp.steps.prepared_frame import PreparedFrame
from isfp.steps.result import Candidate, Segmentation
from isfp.steps.rivals import Rival
from isfp.steps.segmentation_set import SegmentationSet
from isfp.steps.stream import Stream, StreamItem
from isfp.steps.verdict import NotFoundReason
from isfp.steps.view import View

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
    "NotFoundReason",
    "PhraseError",
    "PreparedFrame",
    "Rival",
    "RuntimeFailedError",
    "RuntimeUnavailableError",
    "Segmentation",
    "SegmentationSet",
    "Segmenter",
    "SegmenterInUseError",
    "StaleViewError",
    "Stream",
    "StreamItem",
    "View",
    "WriteError",
    "__version__",
]

try:
    __version__ = _version("isfp")
except _PackageNotFoundError:  # imported from a folder that was never installed
    __version__ = "unknown"
