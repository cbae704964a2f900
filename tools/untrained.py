"""Write a checkpoint of a network that was not trained, for measuring latency: python tools/untrained.py CONFIG NAME.pt

Latency does not depend on the weights, so a size that nobody has trained yet can be exported and measured. Masks are noise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from isfp.steps.phrase import Vocabulary
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.run import checkpoint_file
from isfp_train.run.config import TrainConfig
from isfp_train.run.module import ReferringModule


def main(config: Path, out: Path) -> None:
    """Write the network of a configuration with random weights."""
    run = TrainConfig.load(config)
    torch.manual_seed(0)
    words = Vocabulary.from_words(phrase_words()).words
    module = ReferringModule(run, list(words), [])
    content = {"state_dict": module.state_dict(), "epoch": -1, "global_step": 0}
    module.on_save_checkpoint(content)
    checkpoint_file.write(content, out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
