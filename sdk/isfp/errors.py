"""Everything that can go wrong, as types: each message says what was found, what was expected and what to do."""


class IsfpError(Exception):
    """Base of every error that this package raises on purpose."""


class FrameError(IsfpError, ValueError):
    """A frame is not a uint8 picture `[h,w,3]`."""


class PhraseError(IsfpError, ValueError):
    """A phrase is not text, or has no word in it."""


class BundleError(IsfpError):
    """A bundle cannot be used."""


class BundleMissingError(BundleError, FileNotFoundError):
    """The bundle, or a file that its manifest names, is not there."""

    # FileNotFoundError prints an errno where it is given more than one argument; the message stands alone here.
    __str__ = Exception.__str__


class BundleCorruptError(BundleError):
    """The bundle's content is not what its manifest says: cut short, changed, or not a bundle at all."""


class BundleVersionError(BundleError):
    """The bundle is of a format version that this SDK does not read."""


class RuntimeUnavailableError(IsfpError):
    """The runtime that was asked for is unknown, or this machine cannot run it."""


class EngineMismatchError(IsfpError):
    """A model, or an engine built from one, does not fit the bundle, the runtime or the machine."""


class RuntimeFailedError(IsfpError):
    """The runtime failed while it computed, or was closed."""


class CameraError(IsfpError):
    """A camera, video file or stream cannot be opened or read."""
