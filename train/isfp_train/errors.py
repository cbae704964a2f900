"""Errors of training and evaluation, as types. Each is an `IsfpError`, so the command line prints it without a traceback."""

from isfp.errors import IsfpError


class ConfigurationError(IsfpError, ValueError):
    """A setting that is unknown or that conflicts with another."""


class DataMissingError(IsfpError, FileNotFoundError):
    """Data, weights or a checkpoint that is missing."""

    __str__ = Exception.__str__


class DataFormatError(IsfpError, ValueError):
    """Data whose content does not match its format."""


class CheckpointError(IsfpError, ValueError):
    """A file that is not a checkpoint of this project."""


class RunExistsError(IsfpError, FileExistsError):
    """A run that would be overwritten."""

    __str__ = Exception.__str__
