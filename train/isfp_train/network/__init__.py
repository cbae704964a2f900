"""The network of the paper, one module a file; `isfp_train.network.model.ISFP` puts them together."""

from isfp_train.network.config import NetworkConfig
from isfp_train.network.model import ISFP

__all__ = ["ISFP", "NetworkConfig"]
