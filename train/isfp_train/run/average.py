"""The mean of two trained networks' weights, which generalises better than either (model soups, Wortsman et al. 2022)."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

from isfp_train.run import checkpoint, checkpoint_file
from isfp_train.run.runner import start_from


def average(first: str | Path, second: str | Path, target: str | Path) -> None:
    """Write the mean of two checkpoints, with the second one's configuration and words.

    The second run should have started from the weights of the first, directly or not; weights of unrelated runs have no useful
    mean. Words are matched by their text. Parts and words that only the second has are taken from it.

    Raises:
        DataMissingError, CheckpointError: as `checkpoint.load`.
        ConfigurationError: a part has different shapes; the message names it.
    """
    older, newer = checkpoint.load(first), checkpoint.load(second)
    start = deepcopy(newer.network)
    start_from(start, newer.vocabulary, older)
    content = checkpoint_file.read(second)
    state, one, other = content["state_dict"], start.state_dict(), newer.network.state_dict()
    for name, value in other.items():
        if value.is_floating_point() and f"network.{name}" in state:
            kept = state[f"network.{name}"].dtype
            state[f"network.{name}"] = ((one[name] + value) / 2).to(kept)
    checkpoint_file.write(content, Path(target))
