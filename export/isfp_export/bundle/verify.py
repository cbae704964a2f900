"""Compare a bundle with its checkpoint: every stage in ONNX Runtime with PyTorch, and the resulting masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isfp import Segmenter
from isfp.errors import IsfpError
from isfp_export.onnx.stages import stages
from isfp_train import seeds
from isfp_train.data.phrases.phrases import make_phrases
from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.measure.predictors import BundlePredictor, CheckpointPredictor
from isfp_train.overlap import mask_iou
from isfp_train.run.checkpoint import LoadedCheckpoint

# Maximum difference, relative to a tensor's largest absolute value. Both compute in float32, but sum in different orders, and a
# bundle stores the backbone's largest kernels in FP16 (`compact.py`), which changes the maps by about a thousandth.
STAGE_TOLERANCE = 2e-3
MASK_IOU = 0.995  # minimum mean IoU of the masks of both


class VerificationError(IsfpError):
    """The results of a bundle differ from those of its checkpoint."""


@dataclass(frozen=True)
class Verification:
    """Differences between a bundle and its checkpoint.

    Attributes:
        differences: largest absolute difference of each stage output, relative to that output's largest absolute value.
        mask_iou: mean IoU of the bundle's masks with the checkpoint's, as in use.
        worst_mask_iou: the lowest IoU.
        same_cells: share of phrases for which both choose the same cell.
        phrases: number of phrases.
    """

    differences: dict[str, float]
    mask_iou: float
    worst_mask_iou: float
    same_cells: float
    phrases: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def failures(self) -> list[str]:
        """Describe what is out of tolerance; empty if nothing is."""
        found = [
            f"{name} differs by {value:.2g} of its largest value; expected at most {STAGE_TOLERANCE:g}"
            for name, value in self.differences.items()
            if not value <= STAGE_TOLERANCE
        ]
        if not self.mask_iou >= MASK_IOU:
            found.append(f"masks agree at a mean IoU of {self.mask_iou:.4f}; expected at least {MASK_IOU}")
        return found


def verify(bundle: str | Path, loaded: LoadedCheckpoint, scenes: int = 12) -> Verification:
    """Compare a bundle with its checkpoint.

    Raises:
        VerificationError: the bundle differs by more than the tolerances.
        BundleError: it is missing or damaged.
    """
    result = compare(bundle, loaded, scenes)
    failures = result.failures()
    if failures:
        raise VerificationError(
            f"The bundle {bundle} and its checkpoint give different results: {'; '.join(failures)}. Export the bundle again from "
            "this checkpoint; if that fails too, run isfp verify with --json and report the output."
        )
    return result


def compare(bundle: str | Path, loaded: LoadedCheckpoint, scenes: int = 12) -> Verification:
    """Measure the differences without raising an error."""
    exported = BundlePredictor(bundle, "onnxruntime")
    with exported.segmenter as segmenter:
        differences = stage_differences(segmenter, loaded)
        predictor = CheckpointPredictor(loaded, mask_threshold=segmenter.bundle.manifest.mask_threshold)
        ious, cells = [], []
        for image, texts in _questions(scenes):
            ours = exported.answer(image, texts, [None] * len(texts))  # the network's own: the SDK may keep a piece of a mask
            theirs = predictor.answer(image, texts)
            for one, other in zip(ours, theirs, strict=True):
                ious.append(mask_iou(one.mask, other.mask))
                cells.append(one.cell == other.cell)
    return Verification(differences, float(np.mean(ious)), float(np.min(ious)), float(np.mean(cells)), len(ious))


def stage_differences(segmenter: Segmenter, loaded: LoadedCheckpoint) -> dict[str, float]:
    """Run every stage of both on the same inputs."""
    differences = {}
    for stage in stages(loaded.network):
        runner = segmenter.runtime.load(segmenter.bundle, stage.name)
        with torch.inference_mode():
            wanted = stage.module(*stage.inputs.values())
        outputs = runner(**{name: value.numpy() for name, value in stage.inputs.items()})
        for name, value in zip(stage.outputs, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
            expected = value.numpy()
            gap = np.abs(outputs[name] - expected).max() / max(np.abs(expected).max(), 1e-12)
            differences[f"{stage.name}.{name}"] = float(gap)
    return differences


def _questions(scenes: int) -> Iterator[tuple[np.ndarray, list[str]]]:
    source = ProceduralScenes()
    for index in range(scenes):
        scene = source.scene(seeds.VERIFICATION.start + index)
        expressions = make_phrases(scene.objects, scene.image.shape[:2], np.random.default_rng(index), 3)
        if expressions:
            yield scene.image, [expression.text for expression in expressions]
