"""Which samples each process sees: every sample of an epoch once, in the steps of a single process."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Sampler

from isfp_train.errors import ConfigurationError
from isfp_train.run.processes import Processes


class StepBatches(Sampler[list[int]]):
    """One process's batches of an epoch.

    A step is `batch` samples in a row, however many processes compute it and however often gradients are accumulated: the
    processes' parts do not overlap, and together they are the batch that a single process would have.

    Args:
        length: samples in the epoch.
        batch: samples of one optimiser step, of all processes together.
        processes: this one among all.
        accumulate: parts of a step that a process computes one after another.

    Raises:
        ConfigurationError: a step cannot be shared out evenly, or the epoch ends with a part of one where it must be.
    """

    def __init__(self, length: int, batch: int, processes: Processes, accumulate: int = 1) -> None:
        self.length, self.batch, self.processes, self.accumulate = length, batch, processes, accumulate
        self.share = processes.share_of(batch, accumulate)
        if length % batch and self.share != batch:
            raise ConfigurationError(
                f"an epoch of {length} scenes is no multiple of the batch of {batch}; with several processes or accumulate it "
                f"must be: set epoch_scenes to {length // batch * batch or batch}."
            )

    def __iter__(self) -> Iterator[list[int]]:
        """Yield sample numbers, a batch at a time."""
        for start in range(0, self.length, self.batch):
            for part in range(self.accumulate):
                first = start + (part * self.processes.count + self.processes.rank) * self.share
                yield list(range(first, min(first + self.share, self.length)))

    def __len__(self) -> int:
        """Batches that this process computes in the epoch."""
        return -(-self.length // self.batch) * self.accumulate
