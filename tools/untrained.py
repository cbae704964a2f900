"""Write a checkpoint of a network that was not trained, for measuring latency: python tools/untrained.py CONFIG NAME.pt

Latency does not depend on the weights, so a size that nobody has trained yet can be exported and measured. Masks are noise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from isfp.steps.phrase import Vocabulary
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.network import ISFP
from isfp_train.run import checkpoint_file
from isfp_train.run.config import TrainConfig


def main(config: Path, out: Path) -> None:
    """Write the network of a configuration with random weights."""
    run = TrainConfig.load(config)
    torch.manual_seed(0)
    words = Vocabulary.from_words(phrase_words()).words
    network = ISFP(run.network, len(words))
    checkpoint_file.write(
        {
            "isfp": {"config": run.to_dict(), "words": list(words), "trained_words": []},
            "state_dict": {f"network.{name}": value for name, value in network.state_dict().items()},
            "epoch": -1,
            "global_step": 0,
        },
        out,
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
