"""One way to ask a PyTorch checkpoint and a bundle alike, so that what ships is what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from isfp import Segmenter
from isfp.frame import Framing
from isfp_train import checkpoint
from isfp_train.data.store import FILL


@dataclass(frozen=True)
class Answer:
    """What a model says to one phrase, whatever its threshold.

    Attributes:
        mask: bool `[h,w]` at the picture's own size.
        score: highest probability of the identifying map; of the mask for Table I's baseline.
        cell: index i·S + j of the cell chosen; None for the baseline.
    """

    mask: np.ndarray
    score: float
    cell: int | None


class Predictor(Protocol):
    """Anything that answers phrases about a picture."""

    grid: int
    size: int
    threshold: float

    def answer(self, image: np.ndarray, texts: Sequence[str]) -> list[Answer]:
        """RGB uint8 `[h,w,3]` and phrases -> an answer to each."""
        ...


class CheckpointPredictor:
    """Ask a checkpoint, in PyTorch.

    Args:
        loaded: the checkpoint.
        threshold: score from which on a thing counts as found.
        mask_threshold: probability above which a pixel belongs to the mask.
    """

    def __init__(self, loaded: checkpoint.Loaded, threshold: float = 0.5, mask_threshold: float = 0.5) -> None:
        self.loaded, self.threshold, self.mask_threshold = loaded, threshold, mask_threshold
        self.network = loaded.network
        self.grid, self.size = loaded.config.network.grid, loaded.config.network.image_size
        self.framing = Framing(self.size, self.size, FILL)

    @torch.inference_mode()
    def logits(self, image: np.ndarray, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Masks `[P,H,W]` in the view, logits; scores `[P]`; cells `[P]`, -1 for the baseline."""
        network, config = self.network, self.loaded.config.network
        view, _ = self.framing.fit(image)
        frame = torch.from_numpy(view)
        encoded = [self.loaded.vocabulary.encode(text, config.max_words) for text in texts]
        words = torch.from_numpy(np.stack([phrase.ids for phrase in encoded])).long()
        phrases = network.text(words, torch.tensor([phrase.length for phrase in encoded]))
        visual = network.image(frame)
        if config.identification == "none":
            cells = torch.zeros(len(texts), 1, dtype=torch.long)
            masks = network.mask(frame, visual, phrases, cells)[:, 0]
            return masks.numpy(), torch.sigmoid(masks).amax(dim=(1, 2)).numpy(), np.full(len(texts), -1)
        scores, cells = torch.sigmoid(network.identify(visual, phrases)).flatten(1).max(dim=1, keepdim=True)
        masks = network.mask(frame, visual, phrases, cells)[:, 0]
        return masks.numpy(), scores[:, 0].numpy(), cells[:, 0].numpy()

    def answer(self, image: np.ndarray, texts: Sequence[str]) -> list[Answer]:
        """RGB uint8 `[h,w,3]` and phrases -> an answer to each."""
        placement = self.framing.place(*image.shape[:2])
        masks, scores, cells = self.logits(image, texts)
        return [
            Answer(placement.mask(mask, self.mask_threshold), float(score), int(cell) if cell >= 0 else None)
            for mask, score, cell in zip(masks, scores, cells, strict=True)
        ]


class BundlePredictor:
    """Ask a bundle through the SDK, as a robot does."""

    def __init__(self, bundle: str | Path, runtime: str = "auto") -> None:
        self.segmenter = Segmenter(bundle, runtime, threshold=0.0)
        manifest = self.segmenter.bundle.manifest
        self.grid, self.size, self.threshold = manifest.grid, manifest.framing.height, manifest.found_threshold

    def answer(self, image: np.ndarray, texts: Sequence[str]) -> list[Answer]:
        """RGB uint8 `[h,w,3]` and phrases -> an answer to each."""
        results = self.segmenter.run(np.ascontiguousarray(image[..., ::-1]), list(texts))
        return [Answer(result.mask, result.score, result.cell[0] * self.grid + result.cell[1]) for result in results]


def open_model(path: str | Path) -> Predictor:
    """Open a bundle (a folder) or a checkpoint (a file)."""
    if Path(path).is_dir():
        return BundlePredictor(path)
    return CheckpointPredictor(checkpoint.load(path))
