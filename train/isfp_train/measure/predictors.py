"""One interface to a PyTorch checkpoint and to a bundle, so that both are measured in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from isfp import Segmenter
from isfp.runtimes import Runtime
from isfp.runtimes.threads import usable_cores
from isfp.steps.letterbox import Framing
from isfp.steps.lookup import best_cells
from isfp.steps.result import Segmentation
from isfp_train.data.store.store import FILL
from isfp_train.errors import ConfigurationError
from isfp_train.network.refinement import enlarge
from isfp_train.run import checkpoint

#: Grid cells to use instead of those that the identifying map selects; None keeps the choice of the map.
Cells = Sequence[int | None]


@dataclass(frozen=True)
class Answer:
    """A model's answer to one phrase, independent of its threshold.

    Attributes:
        mask: bool `[h,w]`, at the size of the picture.
        score: highest probability of the identifying map; for Table I's baseline, of the mask.
        cell: index i·S + j of the cell whose mask this is; None for the baseline.
        identifying: probabilities of the identifying map, float32 `[S,S]`; None for the baseline.
    """

    mask: np.ndarray = field(repr=False)
    score: float
    cell: int | None
    identifying: np.ndarray | None = field(default=None, repr=False)


class Predictor(Protocol):
    """Anything that answers phrases about a picture."""

    grid: int
    size: int
    threshold: float

    def answer(self, image: np.ndarray, texts: Sequence[str], cells: Cells | None = None) -> list[Answer]:
        """RGB uint8 `[h,w,3]` and phrases -> an answer to each; `cells`, if given, replace the chosen ones."""
        ...


class NetworkOutputs(NamedTuple):
    """What the network computed for `P` phrases.

    Attributes:
        masks: logits at the size of the network's input `[P,H,W]`.
        scores: highest probability of each map `[P]`.
        cells: chosen cells `[P]`; -1 for the baseline.
        identifying: probabilities `[P,S,S]`; `[P,0,0]` for the baseline.
    """

    masks: np.ndarray
    scores: np.ndarray
    cells: np.ndarray
    identifying: np.ndarray


class CheckpointPredictor:
    """Ask a checkpoint, in PyTorch.

    Args:
        loaded: the checkpoint.
        threshold: minimum score for a match.
        mask_threshold: minimum probability of a mask pixel.
        refinement: False skips the Refinement Module and enlarges the coarse masks.
    """

    def __init__(
        self, loaded: checkpoint.LoadedCheckpoint, threshold: float = 0.5, mask_threshold: float = 0.5, refinement: bool = True
    ) -> None:
        self.loaded, self.threshold, self.mask_threshold = loaded, threshold, mask_threshold
        self.refinement = refinement
        self.network = loaded.network
        self.grid, self.size = loaded.config.network.grid, loaded.config.network.image_size
        self.framing = Framing(self.size, self.size, FILL)

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Phrases -> word ids `[P,L]` and numbers of words `[P]`."""
        encoded = [self.loaded.vocabulary.encode(text, self.loaded.config.network.max_words) for text in texts]
        words = torch.from_numpy(np.stack([phrase.ids for phrase in encoded])).long()
        return words, torch.tensor([phrase.length for phrase in encoded])

    @torch.inference_mode()
    def compute(self, image: np.ndarray, texts: Sequence[str], cells: Cells | None = None) -> NetworkOutputs:
        """RGB uint8 `[h,w,3]` and phrases -> all outputs of the network."""
        network, config = self.network, self.loaded.config.network
        view, _ = self.framing.fit(image)
        frame = torch.from_numpy(view)
        phrases = network.text(*self.encode(texts))
        visual = network.image(frame)
        if config.identification == "none":
            masks = self._masks(frame, visual, phrases, torch.zeros(len(texts), 1, dtype=torch.long))
            scores, chosen = torch.sigmoid(masks).amax(dim=(1, 2)), torch.full((len(texts),), -1)
            return NetworkOutputs(masks.numpy(), scores.numpy(), chosen.numpy(), np.zeros((len(texts), 0, 0), np.float32))
        identifying = torch.sigmoid(network.identify(visual, phrases))
        best = best_cells(identifying.numpy())
        scores, chosen = torch.tensor([cell.score for cell in best]), torch.tensor([cell.index for cell in best])
        if cells is not None:
            chosen = torch.tensor([int(own) if cell is None else cell for own, cell in zip(chosen, cells, strict=True)])
        masks = self._masks(frame, visual, phrases, chosen[:, None])
        return NetworkOutputs(masks.numpy(), scores.numpy(), chosen.numpy(), identifying.numpy())

    def answer(self, image: np.ndarray, texts: Sequence[str], cells: Cells | None = None) -> list[Answer]:
        """RGB uint8 `[h,w,3]` and phrases -> an answer to each; `cells`, if given, replace the chosen ones."""
        letterbox = self.framing.letterbox(*image.shape[:2])
        return [
            Answer(
                letterbox.mask(mask, self.mask_threshold),
                float(score),
                int(cell) if cell >= 0 else None,
                identifying if identifying.size else None,
            )
            for mask, score, cell, identifying in zip(*self.compute(image, texts, cells), strict=True)
        ]

    def _masks(self, frame: Tensor, visual: Any, phrases: Tensor, cells: Tensor) -> Tensor:
        if self.refinement:
            return self.network.mask(frame, visual, phrases, cells)[:, 0]
        return enlarge(self.network.coarse(frame, visual, phrases, cells), self.size, self.size)[:, 0]


class BundlePredictor:
    """Ask a bundle through the SDK, without its threshold: what the SDK refuses whatever the score is has the score 0.

    With `cells`, even if all of them are None, the answers are the network's alone: no verdict, and all pieces of a mask.
    """

    def __init__(self, bundle: str | Path, runtime: str | Runtime = "auto", threads: int = 0) -> None:
        self.segmenter = Segmenter(bundle, runtime, threads=threads)
        manifest = self.segmenter.bundle.manifest
        self.grid, self.size, self.threshold = manifest.grid, manifest.framing.height, manifest.found_threshold

    def answer(self, image: np.ndarray, texts: Sequence[str], cells: Cells | None = None) -> list[Answer]:
        """RGB uint8 `[h,w,3]` and phrases -> an answer to each; `cells`, if given, replace the chosen ones."""
        view = self.segmenter.look(np.ascontiguousarray(image[..., ::-1]))
        if cells is None:
            return [
                Answer(
                    result.mask,
                    0.0 if refused(result) else result.score,
                    result.cell[0] * self.grid + result.cell[1],
                    result.identifying_map,
                )
                for result in view.find(list(texts), threshold=0.0)
            ]
        maps = view.identify(texts)
        best = best_cells(maps)
        chosen = [own.index if cell is None else cell for own, cell in zip(best, cells, strict=True)]
        logits, threshold = view.masks(texts, [[cell] for cell in chosen]), self.segmenter.bundle.manifest.mask_threshold
        return [
            Answer(view.letterbox.mask(channels[0], threshold), own.score, cell, identifying)
            for channels, own, cell, identifying in zip(logits, best, chosen, maps, strict=True)
        ]


def refused(result: Segmentation) -> bool:
    """Whether the SDK says that an object is not there whatever its score is."""
    return result.reason is not None and result.reason.overrides_score


def open_model(path: str | Path, refinement: bool = True, threads: int = 0, runtime: str = "auto") -> Predictor:
    """Open a bundle (a folder) or a checkpoint (a file).

    Args:
        path: the model.
        refinement: False skips the Refinement Module (checkpoints only).
        threads: number of threads to compute with; 0 for one on each physical core that this process may use.
        runtime: what runs a bundle, such as "openvino:int8".

    Raises:
        ConfigurationError: a bundle without refinement, as its mask stage computes both in one; or a checkpoint with a runtime.
    """
    if not Path(path).is_dir():
        if runtime != "auto":
            raise ConfigurationError(f"{path} is a checkpoint, which runs in PyTorch; --runtime {runtime} is for bundles.")
        torch.set_num_threads(threads or min(usable_cores(), torch.get_num_threads()))
        return CheckpointPredictor(checkpoint.load(path), refinement=refinement)
    if not refinement:
        raise ConfigurationError(
            f"{path} is a bundle: its mask stage includes the refinement. Use the checkpoint that it was exported from."
        )
    return BundlePredictor(path, runtime, threads=threads)
