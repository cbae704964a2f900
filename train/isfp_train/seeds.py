"""Seeds of generated scenes: every use has its own range, so that no scene is used both for training and for measuring."""

from __future__ import annotations

RUNS = 50  # a run's seed is below this
SCENES = 10_000_000  # seeds of one run

TRAINING = range(RUNS * SCENES)
DEMO = range(500_000_000, 510_000_000)  # the generated pictures of assets/demo
VERIFICATION = range(600_000_000, 610_000_000)  # `isfp verify` against a checkpoint
TEST = range(700_000_000, 710_000_000)  # reported figures
PRECISION_CHECK = range(710_000_000, 720_000_000)  # `isfp verify --precision`
QUANTISATION = range(720_000_000, 730_000_000)  # ranges of INT8 and FP8
CLIPS = range(730_000_000, 740_000_000)  # flicker and lag of videos
FREE_PHRASES = range(750_000_000, 760_000_000)  # scenes with phrases of somebody who had not read the generator
THRESHOLDS = range(800_000_000, 810_000_000)  # thresholds of a bundle
VALIDATION = range(900_000_000, 910_000_000)  # figures while training


def training(run: int) -> range:
    """The seeds of a training run's scenes.

    Args:
        run: the run's seed, 0 to `RUNS` - 1.
    """
    return range(run * SCENES, (run + 1) * SCENES)
