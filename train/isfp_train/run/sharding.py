"""The samples of each process: every sample of an epoch once, in the same steps as with a single process."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Sampler

from isfp_train.errors import ConfigurationError
from isfp_train.run.processes import Processes


class StepBatches(Sampler[list[int]]):
    """The batches of one process in an epoch.

    A step consists of `batch` consecutive samples, whatever the number of processes and of accumulated gradients. The parts of the
    processes do not overlap, and together they are the batch that a single process would have.

    Args:
        length: number of samples in the epoch.
        batch: number of samples in one optimiser step, of all processes together.
        processes: this process among all.
        accumulate: number of parts of a step that a process computes in sequence.

    Raises:
        ConfigurationError: a step cannot be divided evenly, or the last step of the epoch would be incomplete.
    """

    def __init__(self, length: int, batch: int, processes: Processes, accumulate: int = 1) -> None:
        self.length, self.batch, self.processes, self.accumulate = length, batch, processes, accumulate
        self.share = processes.share_of(batch, accumulate)
        if length % batch and self.share != batch:
            raise ConfigurationError(
                f"epoch_scenes is {length}; with several processes or accumulate it must be a multiple of the batch, {batch}, such "
                f"as {length // batch * batch or batch}."
            )

    def __iter__(self) -> Iterator[list[int]]:
        """Yield sample numbers, a batch at a time."""
        for start in range(0, self.length, self.batch):
            for part in range(self.accumulate):
                first = start + (part * self.processes.count + self.processes.rank) * self.share
                yield list(range(first, min(first + self.share, self.length)))

    def __len__(self) -> int:
        """Number of batches that this process computes in the epoch."""
        return -(-self.length // self.batch) * self.accumulate
