"""Choose a bundle's thresholds, on validation scenes with and without the thing named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isfp_train.checkpoint import Loaded
from isfp_train.data.sources import scene_sources
from isfp_train.evaluation import CALIBRATION_SEED, choose_threshold, evaluate, questions
from isfp_train.predictors import CheckpointPredictor

MASK_THRESHOLDS = (0.35, 0.4, 0.45, 0.5, 0.55)  # 0.35 is prior work's


@dataclass(frozen=True)
class Calibration:
    """The thresholds, and how they were chosen.

    Attributes:
        found: score from which on a thing counts as found.
        mask: probability above which a pixel belongs to the mask.
        how: in words, with the figures.
    """

    found: float
    mask: float
    how: str


def calibrate(loaded: Loaded, data: Path | None, scenes: int) -> Calibration:
    """Take the mask threshold with the best mIoU, and the score with the best balance of kept and refused.

    The scenes are of the held-out split, with seeds that neither training nor reported figures use.
    """
    shares = loaded.config.data.shares if data else {"procedural": 1.0}
    predictor = CheckpointPredictor(loaded)
    sources = scene_sources(shares, data, predictor.size, "held_out")
    best, mask, outcomes = -1.0, 0.5, []
    for threshold in MASK_THRESHOLDS:
        predictor.mask_threshold = threshold
        answered = evaluate(predictor, questions(sources, scenes, CALIBRATION_SEED))
        score = float(np.mean([o.both / o.either if o.either else 1.0 for o in answered if o.present]))
        if score > best:
            best, mask, outcomes = score, threshold, answered
    found = choose_threshold(outcomes)
    kept = np.mean([outcome.score >= found for outcome in outcomes if outcome.present])
    refused = np.mean([outcome.score < found for outcome in outcomes if not outcome.present])
    how = (
        f"chosen on {scenes} held-out scenes ({', '.join(f'{kind} {share:g}' for kind, share in shares.items())}): "
        f"{100 * kept:.1f} % of {sum(o.present for o in outcomes)} present things reach it, "
        f"{100 * refused:.1f} % of {sum(not o.present for o in outcomes)} absent ones do not; "
        f"the mask threshold has the best mIoU of {list(MASK_THRESHOLDS)}"
    )
    return Calibration(found, mask, how)
