"""This training process among several, as `torchrun` describes it: one process per GPU, on one or more nodes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from isfp_train.errors import ConfigurationError


@dataclass(frozen=True)
class Processes:
    """This process among all processes of a run.

    Attributes:
        rank: number of this process, from 0.
        count: number of all processes.
        local: number of processes on this node.
    """

    rank: int = 0
    count: int = 1
    local: int = 1

    @classmethod
    def of_torchrun(cls) -> Processes:
        """Read the environment that `torchrun` sets; without it, there is a single process."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls()
        rank, count, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"))
        return cls(rank, count, local)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.count // self.local

    def share_of(self, batch_scenes: int, accumulate: int) -> int:
        """Number of scenes that one process computes at a time, in a step of `batch_scenes`.

        Raises:
            ConfigurationError: the scenes cannot be divided evenly.
        """
        parts = self.count * accumulate
        if batch_scenes % parts:
            raise ConfigurationError(
                f"batch_scenes is {batch_scenes}, which cannot be divided evenly among {self.count} processes with accumulate "
                f"{accumulate}; expected a multiple of {parts}."
            )
        return batch_scenes // parts
