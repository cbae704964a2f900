"""The errors that this package raises: each message says what was found, what was expected and what to do."""


class IsfpError(Exception):
    """Base of every error that this package raises on purpose."""


class FrameError(IsfpError, ValueError):
    """A frame is not a uint8 picture `[h,w,3]`."""


class PhraseError(IsfpError, ValueError):
    """A phrase is not text, or has no words."""


class StaleViewError(IsfpError):
    """A view was asked about its frame after its Segmenter had looked at another one."""


class SegmenterInUseError(IsfpError):
    """A second thread used a Segmenter while another one was using it, a fork used its parent's, or it was copied or pickled.

    Make one Segmenter for each thread and each process.
    """


class BundleError(IsfpError):
    """A bundle cannot be used."""


class BundleMissingError(BundleError, FileNotFoundError):
    """The bundle, or a file that its manifest names, is missing."""

    # FileNotFoundError prints an errno if it has more than one argument; here the message is all there is.
    __str__ = Exception.__str__


class BundleCorruptError(BundleError):
    """The bundle's content is not what its manifest says: cut short, changed, or not a bundle at all."""


class BundleVersionError(BundleError):
    """The bundle is of a format version that this SDK does not read."""


class RuntimeUnavailableError(IsfpError):
    """The runtime that was asked for is unknown, or this machine cannot run it."""


class EngineMismatchError(IsfpError):
    """A model, or an engine built from one, does not fit the bundle, the runtime or the machine.

    Attributes:
        field: the field of the engine's record that does not fit; empty if it is not a single field.
        found: its value.
        expected: a value that would fit.
        command: the command that builds the engine again; empty if that is not the remedy.
    """

    def __init__(self, message: str, field: str = "", found: object = None, expected: object = None, command: str = "") -> None:
        super().__init__(message)
        self.field, self.found, self.expected, self.command = field, found, expected, command


class RuntimeFailedError(IsfpError):
    """The runtime failed while it computed, or was closed."""


class CameraError(IsfpError):
    """A camera, video file or stream cannot be opened or read."""


class WriteError(IsfpError):
    """A file cannot be written: the disk is full or read-only, or the path is wrong. An existing file stays as it was."""
