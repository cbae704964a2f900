"""What can go wrong in training and evaluation, as types; each is an `IsfpError`, so the command line prints it plainly."""

from isfp.errors import IsfpError


class ConfigurationError(IsfpError, ValueError):
    """A setting that is unknown or does not go with another."""


class DataMissingError(IsfpError, FileNotFoundError):
    """Data, weights or a checkpoint that is not where it was said to be."""

    __str__ = Exception.__str__


class DataFormatError(IsfpError, ValueError):
    """Data whose content is not what its format says."""


class CheckpointError(IsfpError, ValueError):
    """A file that is no checkpoint of this project."""


class RunExistsError(IsfpError, FileExistsError):
    """A run that would be overwritten."""

    __str__ = Exception.__str__
