"""The paper's network, one module per file. `isfp_train.network.model.ISFP` assembles them."""

from isfp_train.network.config import NetworkConfig
from isfp_train.network.model import ISFP

__all__ = ["ISFP", "NetworkConfig"]
