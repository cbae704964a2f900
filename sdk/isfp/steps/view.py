"""What a Segmenter saw of one frame, and the questions that can be asked about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from isfp.errors import IsfpError, StaleViewError
from isfp.steps.letterbox import Letterbox
from isfp.steps.lookup import Cell, best_cells, peaks
from isfp.steps.phrase import EncodedPhrase, Vocabulary
from isfp.steps.phrase_cache import PhraseCache
from isfp.steps.result import Candidate, Segmentation, box_of
from isfp.steps.stopwatch import Stopwatch


@dataclass
class LoadedNetwork:
    """A bundle's network, loaded by a Segmenter and shared by its views.

    Attributes:
        vocabulary: the words that it knows.
        max_words: L, the words of a phrase that it reads.
        grid: S, rows and columns of the identifying map.
        mask_threshold: probability, between 0 and 1, above which a pixel belongs to a mask.
        phrases: the text stage, with a cache.
        identify: the stage of this name.
        mask: the stage of this name.
        looks: how many frames were looked at; only the view of the latest is valid.
    """

    vocabulary: Vocabulary
    max_words: int
    grid: int
    mask_threshold: float
    phrases: PhraseCache
    identify: Callable[..., Mapping[str, Any]]
    mask: Callable[..., Mapping[str, Any]]
    looks: int = 0

    def encode(self, text: str) -> EncodedPhrase:
        """Return a phrase as the network reads it; see `Segmenter.encode`."""
        return self.vocabulary.encode(text, self.max_words)


@dataclass(frozen=True, eq=False)
class PhraseAnswer:
    """What was computed for one phrase, in the network's terms.

    Attributes:
        cell: the cell that was chosen.
        identifying_map: probabilities `[S,S]`.
        logits: logits of that cell's mask `[H,W]`; None if the object was not found.
    """

    cell: Cell
    identifying_map: np.ndarray
    logits: np.ndarray | None


class View:
    """What a Segmenter saw of one frame; `Segmenter.look` returns it.

    The image stage has run. Any number of questions can now be asked without running it again, and a phrase's vector and
    identifying map are computed once. A view is valid until its Segmenter looks at another frame, which reuses the buffers; after
    that, every question raises StaleViewError. Results that were returned before stay valid.

    `find` and `candidates` are what most programs need. `identify`, `masks` and `segmentations` are the steps between, for
    programs that choose cells in their own way, as `isfp.video.Smoother` does.

    Attributes:
        letterboxed: the frame as the network sees it, uint8 `[1,H,W,3]`; valid as long as the view is.
        letterbox: where the frame lies in it.
        stopwatch: time of each step so far.
    """

    def __init__(
        self,
        network: LoadedNetwork,
        threshold: float,
        letterboxed: np.ndarray,
        letterbox: Letterbox,
        maps: Mapping[str, Any],
        stopwatch: Stopwatch,
    ) -> None:
        """Take what `Segmenter.look` computed."""
        self._network, self._threshold, self._visual_maps, self._look = network, threshold, maps, network.looks
        self.letterboxed, self.letterbox, self.stopwatch = letterboxed, letterbox, stopwatch
        self._vectors: dict[bytes, np.ndarray] = {}
        self._identifying: dict[bytes, np.ndarray] = {}

    @overload
    def find(self, text: str, threshold: float | None = None) -> Segmentation: ...
    @overload
    def find(self, text: list[str] | tuple[str, ...], threshold: float | None = None) -> list[Segmentation]: ...

    def find(self, text: str | list[str] | tuple[str, ...], threshold: float | None = None) -> Segmentation | list[Segmentation]:
        """Find the object that each phrase means.

        Args:
            text: one phrase, or a list of them.
            threshold: minimum score for a match, 0 to 1; by default the Segmenter's.

        Returns:
            One `Segmentation` for one phrase; for a list, a list of them in its order.

        Raises:
            PhraseError: a phrase is not text, or has no words.
            StaleViewError: the Segmenter has looked at another frame since.
        """
        threshold = self._threshold if threshold is None else check_threshold(threshold)
        phrases = self._encode(text if isinstance(text, list | tuple) else [text])
        distinct = distinct_phrases(phrases)
        maps = self.identify(distinct)
        with self.stopwatch.step("lookup"):
            cells = best_cells(maps)
            found = [number for number, cell in enumerate(cells) if cell.score >= threshold]
        logits = dict(zip(found, self._logits([distinct[n] for n in found], [[cells[n].index] for n in found]), strict=True))
        answers = {
            phrase.key: PhraseAnswer(cells[n], maps[n], logits[n][0] if n in logits else None) for n, phrase in enumerate(distinct)
        }
        results = self.segmentations(phrases, answers)
        return results if isinstance(text, list | tuple) else results[0]

    def candidates(self, text: str, k: int = 3) -> list[Candidate]:
        """Return up to K different objects that a phrase might mean, best first, whatever the threshold is.

        It computes one mask for each candidate: ask where a result's score leaves a doubt.

        Args:
            text: one phrase.
            k: how many at most, 1 or more; there are fewer if the identifying map has fewer local maxima.

        Raises:
            PhraseError: the phrase is not text, or has no words.
            StaleViewError: the Segmenter has looked at another frame since.
        """
        if k < 1:
            raise IsfpError(f"{k} candidates were asked for; expected 1 or more.")
        phrase = self.encode(text)
        identifying_map = self.identify([phrase])[0]
        with self.stopwatch.step("lookup"):
            cells = peaks(identifying_map, k)
        logits = self._logits([phrase], [[cell.index for cell in cells]])[0]
        masks = [self._restore(channel) for channel in logits]
        return [Candidate(cell.score, mask, box_of(mask), (cell.row, cell.column)) for cell, mask in zip(cells, masks, strict=True)]

    def encode(self, text: str) -> EncodedPhrase:
        """Return a phrase as the network reads it; see `Segmenter.encode`."""
        return self._network.encode(text)

    def identify(self, phrases: Sequence[str | EncodedPhrase]) -> np.ndarray:
        """Return the phrases' identifying maps: for each cell, the probability that the object's centre is there.

        Args:
            phrases: P phrases, as text or as `Segmenter.encode` returns them.

        Returns:
            float32 `[P,S,S]`, a new array.

        Raises:
            PhraseError: a phrase is not text, or has no words.
            StaleViewError: the Segmenter has looked at another frame since.
        """
        self._check_current()
        encoded = self._encode(phrases)
        with self.stopwatch.step("text"):
            self._read(encoded)
        with self.stopwatch.step("identify"):
            new = [key for key in dict.fromkeys(phrase.key for phrase in encoded) if key not in self._identifying]
            if new:
                vectors = np.stack([self._vectors[key] for key in new])
                maps = self._network.identify(**self._visual_maps, phrases=vectors)["identifying"]
                self._identifying.update(zip(new, np.array(maps), strict=True))
        grid = self._network.grid
        return np.array([self._identifying[phrase.key] for phrase in encoded], np.float32).reshape(-1, grid, grid)

    def masks(self, phrases: Sequence[str | EncodedPhrase], cells: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """Return the masks of any cells, in the network's input.

        Args:
            phrases: P phrases, as text or as `Segmenter.encode` returns them.
            cells: whole numbers `[P,K]`: for each phrase the indices i·S + j of K cells.

        Returns:
            Logits float32 `[P,K,H,W]`, a new array; `letterbox.mask` turns one into a mask of the frame's size.

        Raises:
            IsfpError: the cells do not have this shape, or an index is out of range.
            PhraseError: a phrase is not text, or has no words.
            StaleViewError: the Segmenter has looked at another frame since.
        """
        return np.array(self._logits(self._encode(phrases), cells))

    def segmentations(self, phrases: Sequence[EncodedPhrase], answers: Mapping[bytes, PhraseAnswer]) -> list[Segmentation]:
        """Turn what was computed for phrases into results at the frame's size.

        Args:
            phrases: in the order of the results; phrases with the same key share their answer.
            answers: what was computed for each phrase, by its `key`.
        """
        with self.stopwatch.step("restore"):
            masks = {key: self._restore(answer.logits) for key, answer in answers.items() if answer.logits is not None}
            boxes = {key: box_of(mask) for key, mask in masks.items()}
        milliseconds, size = self.stopwatch.milliseconds(), self.letterbox.frame_size
        results = []
        for phrase in phrases:
            answer, box = answers[phrase.key], boxes.get(phrase.key)
            results.append(
                Segmentation(
                    text=phrase.text,
                    found=box is not None,
                    score=answer.cell.score,
                    mask=masks[phrase.key] if phrase.key in masks else np.zeros(size, bool),
                    box=box,
                    cell=(answer.cell.row, answer.cell.column),
                    identifying_map=answer.identifying_map,
                    unknown_words=phrase.unknown,
                    cut_words=phrase.cut,
                    frame_size=size,
                    milliseconds=milliseconds,
                )
            )
        return results

    def _encode(self, phrases: Sequence[str | EncodedPhrase]) -> list[EncodedPhrase]:
        return [phrase if isinstance(phrase, EncodedPhrase) else self.encode(phrase) for phrase in phrases]

    def _read(self, phrases: Sequence[EncodedPhrase]) -> None:
        """Get the vectors of phrases that this view has not met."""
        new = {phrase.key: phrase for phrase in phrases if phrase.key not in self._vectors}
        if new:
            self._vectors.update(zip(new, self._network.phrases.vectors(list(new.values())), strict=True))

    def _logits(self, phrases: Sequence[EncodedPhrase], cells: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """Run the mask stage, unless there are no phrases: mask logits `[P,K,H,W]`, valid until it runs again."""
        self._check_current()
        with self.stopwatch.step("mask"):
            if not phrases:
                return np.empty((0, 1, *self.letterboxed.shape[1:3]), np.float32)
            indices = np.asarray(cells)
            count = self._network.grid**2
            shaped = indices.ndim == 2 and len(indices) == len(phrases) and indices.size and indices.dtype.kind in "iu"
            if not shaped or indices.min() < 0 or indices.max() >= count:
                raise IsfpError(
                    f"The cells have the shape {list(indices.shape)} and the type {indices.dtype}; expected whole numbers from 0 "
                    f"to {count - 1}, [P,K] with P = {len(phrases)} phrases and at least one cell for each."
                )
            self._read(phrases)
            vectors = np.stack([self._vectors[phrase.key] for phrase in phrases])
            outputs = self._network.mask(
                frame=self.letterboxed, **self._visual_maps, phrases=vectors, cells=indices.astype(np.int32)
            )
            return np.asarray(outputs["masks"])

    def _restore(self, logits: np.ndarray) -> np.ndarray:
        return self.letterbox.mask(logits, self._network.mask_threshold)

    def _check_current(self) -> None:
        if self._look != self._network.looks:
            raise StaleViewError(
                "This view's frame is gone: its Segmenter has looked at another frame since, which reuses the buffers. Ask a view "
                "before the next look or run, or use a second Segmenter."
            )


def distinct_phrases(phrases: Sequence[EncodedPhrase]) -> list[EncodedPhrase]:
    """Drop phrases that are the same for the network as an earlier one."""
    first: dict[bytes, EncodedPhrase] = {}
    for phrase in phrases:
        first.setdefault(phrase.key, phrase)
    return list(first.values())


def check_threshold(threshold: float) -> float:
    """Return a threshold that is a probability.

    Raises:
        IsfpError: it is not from 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise IsfpError(f"The threshold is {threshold}; expected a score from 0 to 1, or None for the default.")
    return threshold
