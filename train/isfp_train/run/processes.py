"""Which of several training processes this is, as `torchrun` tells it: one process a GPU, on one node or many."""

from __future__ import annotations

import os
from dataclasses import dataclass

from isfp_train.errors import ConfigurationError


@dataclass(frozen=True)
class Processes:
    """This process among all of a run.

    Attributes:
        rank: this process, from 0.
        count: all of them.
        local: those on this node.
    """

    rank: int = 0
    count: int = 1
    local: int = 1

    @classmethod
    def of_torchrun(cls) -> Processes:
        """Read what `torchrun` put into the environment; a single process where it did not start this one."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls()
        rank, count, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"))
        return cls(rank, count, local)

    @property
    def nodes(self) -> int:
        """Machines of the run."""
        return self.count // self.local

    def share_of(self, batch_scenes: int, accumulate: int) -> int:
        """Scenes that one process computes at a time, of a step of `batch_scenes`.

        Raises:
            ConfigurationError: they cannot be shared out evenly.
        """
        parts = self.count * accumulate
        if batch_scenes % parts:
            raise ConfigurationError(
                f"batch_scenes is {batch_scenes}, which {self.count} processes with accumulate {accumulate} cannot share out "
                f"evenly; make it a multiple of {parts}."
            )
        return batch_scenes // parts
