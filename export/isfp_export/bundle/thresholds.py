"""Choose the thresholds of a bundle, on held-out scenes with present and absent objects."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from isfp_train import seeds
from isfp_train.data.scenes.annotated import PHOTO_SIZE, AnnotatedPhotos, only_written
from isfp_train.data.scenes.sources import photo_sets, scene_sources
from isfp_train.measure.evaluation import choose_threshold, generated_questions, written_questions
from isfp_train.measure.predictors import CheckpointPredictor
from isfp_train.overlap import mask_iou
from isfp_train.run.checkpoint import LoadedCheckpoint

MASK_THRESHOLDS = (0.35, 0.4, 0.45, 0.5, 0.55)  # prior work uses 0.35


@dataclass(frozen=True)
class Thresholds:
    """The thresholds, and how they were chosen.

    Attributes:
        found: minimum score for a match.
        mask: minimum probability of a mask pixel.
        how: description of the choice, with figures.
    """

    found: float
    mask: float
    how: str


def choose_thresholds(loaded: LoadedCheckpoint, data: Path | None, scenes: int) -> Thresholds:
    """Choose the mask threshold with the best mIoU, and the score that best balances present objects found and absent ones refused.

    The scenes belong to the held-out split, with seeds that neither training nor reported figures use. If a network was trained on
    annotated photos, the project's own phrases about held-out photos are used too; no reported figure includes those phrases.
    """
    shares = dict(loaded.config.data.shares) if data and loaded.config.data.refcoco is None else {"procedural": 1.0}
    predictor = CheckpointPredictor(loaded)
    photos = None
    if shares.pop("annotated", 0) and data is not None:
        shares["photo"] = max(shares.values(), default=1.0)
        photos = AnnotatedPhotos(only_written(photo_sets(data, "held_out", "project")), PHOTO_SIZE, augment=False)
    sources = list(scene_sources(shares, data, predictor.size, "held_out").values())
    asked = generated_questions(sources, scenes, seeds.THRESHOLDS.start)
    present, absent, ious = [], [], []
    for question in asked if photos is None else chain(asked, written_questions(photos, len(photos))):
        computed = predictor.compute(question.scene.image, [expression.text for expression in question.expressions])
        letterbox = predictor.framing.letterbox(*question.scene.image.shape[:2])
        for expression, logits, score in zip(question.expressions, computed.masks, computed.scores, strict=True):
            if expression.target is None:
                absent.append(score)
                continue
            truth = question.scene.objects[expression.target].mask
            assert truth is not None
            present.append(score)
            ious.append([mask_iou(letterbox.mask(logits, threshold), truth) for threshold in MASK_THRESHOLDS])
    there, missing = np.array(present), np.array(absent)
    found = choose_threshold(there, missing)
    mask = MASK_THRESHOLDS[int(np.mean(ious, axis=0).argmax())]
    how = (
        f"chosen on {scenes} held-out scenes ({', '.join(f'{kind} {share:g}' for kind, share in shares.items())})"
        f"{f' and {len(photos)} held-out photos with phrases that people wrote' if photos else ''}: "
        f"{100 * (there >= found).mean():.1f} % of {len(there)} present objects reach the minimum score, "
        f"{100 * (missing < found).mean():.1f} % of {len(missing)} absent objects do not; "
        f"the mask threshold has the best mIoU of {list(MASK_THRESHOLDS)}. The objects and photos are also used for the reported "
        "figures, but the scenes and phrases are not"
    )
    return Thresholds(found, mask, how)
