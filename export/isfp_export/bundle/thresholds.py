"""Choose a bundle's thresholds, on validation scenes with and without the thing named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isfp_train import seeds
from isfp_train.data.scenes.sources import scene_sources
from isfp_train.measure.evaluation import choose_threshold, generated_questions
from isfp_train.measure.predictors import CheckpointPredictor
from isfp_train.overlap import mask_iou
from isfp_train.run.checkpoint import LoadedCheckpoint

MASK_THRESHOLDS = (0.35, 0.4, 0.45, 0.5, 0.55)  # 0.35 is prior work's


@dataclass(frozen=True)
class Thresholds:
    """The thresholds, and how they were chosen.

    Attributes:
        found: score from which on a thing counts as found.
        mask: probability above which a pixel belongs to the mask.
        how: in words, with the figures.
    """

    found: float
    mask: float
    how: str


def choose_thresholds(loaded: LoadedCheckpoint, data: Path | None, scenes: int) -> Thresholds:
    """Take the mask threshold with the best mIoU, and the score with the best balance of kept and refused.

    The scenes are of the held-out split, with seeds that neither training nor reported figures use.
    """
    shares = loaded.config.data.shares if data and loaded.config.data.refcoco is None else {"procedural": 1.0}
    predictor = CheckpointPredictor(loaded)
    sources = list(scene_sources(shares, data, predictor.size, "held_out").values())
    present, absent, ious = [], [], []
    for question in generated_questions(sources, scenes, seeds.THRESHOLDS.start):
        computed = predictor.compute(question.scene.image, [expression.text for expression in question.expressions])
        placement = predictor.framing.place(*question.scene.image.shape[:2])
        for expression, logits, score in zip(question.expressions, computed.masks, computed.scores, strict=True):
            if expression.target is None:
                absent.append(score)
                continue
            truth = question.scene.things[expression.target].mask
            assert truth is not None
            present.append(score)
            ious.append([mask_iou(placement.mask(logits, threshold), truth) for threshold in MASK_THRESHOLDS])
    there, missing = np.array(present), np.array(absent)
    found = choose_threshold(there, missing)
    mask = MASK_THRESHOLDS[int(np.mean(ious, axis=0).argmax())]
    how = (
        f"chosen on {scenes} held-out scenes ({', '.join(f'{kind} {share:g}' for kind, share in shares.items())}): "
        f"{100 * (there >= found).mean():.1f} % of {len(there)} present things reach it, "
        f"{100 * (missing < found).mean():.1f} % of {len(missing)} absent ones do not; "
        f"the mask threshold has the best mIoU of {list(MASK_THRESHOLDS)}. Things and photos are those of the reported figures, "
        "scenes and phrases are others"
    )
    return Thresholds(found, mask, how)
