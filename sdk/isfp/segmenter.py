"""The whole way of a frame: a picture and a phrase go in, the mask of the one thing the phrase means comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np

from isfp.bundle.bundle import Bundle
from isfp.errors import IsfpError
from isfp.runtimes import Runtime, choose
from isfp.steps.letterbox import Placement
from isfp.steps.lookup import Cell, best_cells, peaks
from isfp.steps.phrase import Encoded
from isfp.steps.phrase_cache import CacheCounts, PhraseCache
from isfp.steps.result import Candidate, Segmentation, box_of
from isfp.steps.stopwatch import Stopwatch


class Memory(Protocol):
    """What is remembered of the frames before; `isfp.video` has the one that smooths."""

    def look_up(self, keys: Sequence[bytes], grids: np.ndarray) -> tuple[np.ndarray, list[Cell], list[int]]:
        """Return the identifying maps to report, the cells chosen, and which phrases are found."""

    def steady(self, keys: Sequence[bytes], view: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Return the masks' logits to use for the phrases that are found."""


class Segmenter:
    """Finds what a phrase means in a frame, and gives its mask.

    One Segmenter is for one thread: it uses its buffers again for each frame. Make one for each thread.

        with Segmenter("edge.isfp") as segmenter:
            result = segmenter.run(frame, "the red mug left of the laptop")
    """

    def __init__(
        self,
        bundle: str | Path | Bundle,
        runtime: str | Runtime = "auto",
        threshold: float | None = None,
        cache: int = 256,
    ) -> None:
        """Check and load a bundle.

        Args:
            bundle: the bundle's folder.
            runtime: `"auto"` for the best that this machine has for the bundle, a name, a name with an option
                (`"tensorrt:int8"`, `"onnxruntime:cuda"`), or a `Runtime` with options of your own.
            threshold: the score from which on a thing counts as found, 0 to 1; by default the bundle's own.
            cache: how many phrases' vectors to keep.

        Raises:
            BundleError: the bundle is missing, changed, cut short or of another format version.
            RuntimeUnavailableError: the runtime is unknown, or this machine cannot run it.
            EngineMismatchError: the runtime cannot run this bundle.
        """
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        manifest = self.bundle.manifest
        self.threshold = manifest.found_threshold if threshold is None else threshold
        if not 0 <= self.threshold <= 1 or cache < 0:
            raise IsfpError(
                f"The threshold is {self.threshold} and the cache {cache}; expected a threshold from 0 to 1 (None "
                "for the bundle's own) and a cache of 0 or more phrases."
            )
        self.runtime = runtime if isinstance(runtime, Runtime) else choose(runtime, self.bundle)
        self.framing = manifest.framing
        self.vocabulary = self.bundle.vocabulary()
        self._max_words = manifest.max_words
        self._image, text, self._identify, self._mask = (
            self.runtime.load(self.bundle, stage) for stage in ("image", "text", "identify", "mask")
        )
        self._phrases = PhraseCache(text, cache)
        self._view = np.empty((1, self.framing.height, self.framing.width, 3), np.uint8)

    @overload
    def run(self, frame: np.ndarray, text: str, memory: Memory | None = None) -> Segmentation: ...
    @overload
    def run(self, frame: np.ndarray, text: list[str] | tuple[str, ...], memory: Memory | None = None) -> list[Segmentation]: ...

    def run(
        self, frame: np.ndarray, text: str | list[str] | tuple[str, ...], memory: Memory | None = None
    ) -> Segmentation | list[Segmentation]:
        """Find what each phrase means in a frame.

        The image stage runs once however many phrases there are, the text stage only for phrases not met before, and
        the mask stage only for phrases whose thing was found.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red, of any size.
            text: one phrase, or a list of them.
            memory: of the frames before, where this one is of a video; `isfp.video.Smoother` gives it.

        Returns:
            One `Segmentation` for one phrase, a list of them for a list, in its order.

        Raises:
            FrameError: the frame is no such picture.
            PhraseError: a phrase is not text, or has no word in it.
        """
        texts = list(text) if isinstance(text, list | tuple) else [text]
        encoded = [self.vocabulary.encode(phrase, self._max_words) for phrase in texts]
        distinct = {phrase.key: phrase for phrase in encoded}  # the same words, written twice, are computed once

        watch = Stopwatch()
        view, placement = self.framing.fit(frame, out=self._view)
        if not distinct:
            return []
        watch.lap("frame")
        phrases = self._phrases.vectors(list(distinct.values()))
        watch.lap("text")
        maps = self._image(frame=view)
        watch.lap("image")
        grids = np.array(self._identify(**maps, phrases=phrases)["identifying"])
        watch.lap("identify")
        if memory:
            grids, cells, found = memory.look_up(list(distinct), grids)
        else:
            cells = best_cells(grids)
            found = [n for n, cell in enumerate(cells) if cell.score >= self.threshold]
        watch.lap("lookup")
        logits = self._logits(view, maps, phrases[found], [[cells[n]] for n in found])
        watch.lap("mask")
        if memory:
            logits = memory.steady([key for n, key in enumerate(distinct) if n in found], view, logits)
            watch.lap("steady")
        masks = {n: self._restore(placement, channels[0]) for n, channels in zip(found, logits, strict=True)}
        watch.lap("restore")

        milliseconds, numbers = watch.stop(), {key: n for n, key in enumerate(distinct)}
        results = [
            _result(phrase, words, cells[n], grids[n], masks.get(n), placement, milliseconds)
            for phrase, words, n in zip(texts, encoded, [numbers[words.key] for words in encoded], strict=True)
        ]
        return results if isinstance(text, list | tuple) else results[0]

    def candidates(self, frame: np.ndarray, text: str, k: int = 3) -> list[Candidate]:
        """Return the K best different things that a phrase might mean, best first, whatever the threshold says.

        It runs the frame anew, with one mask for each candidate: ask where a result's score leaves a doubt.

        Args:
            frame: as for `run`.
            text: one phrase.
            k: how many at most; a map with fewer local maxima gives fewer.

        Raises:
            FrameError, PhraseError: as for `run`.
        """
        encoded = self.vocabulary.encode(text, self._max_words)
        view, placement = self.framing.fit(frame, out=self._view)
        phrases = self._phrases.vectors([encoded])
        maps = self._image(frame=view)
        cells = peaks(np.asarray(self._identify(**maps, phrases=phrases)["identifying"])[0], k)
        masks = [self._restore(placement, channel) for channel in self._logits(view, maps, phrases, [cells])[0]]
        return [Candidate(cell.score, mask, box_of(mask), (cell.row, cell.column)) for cell, mask in zip(cells, masks, strict=True)]

    @property
    def cache_counts(self) -> CacheCounts:
        """How the phrase cache has done so far."""
        return self._phrases.counts

    def close(self) -> None:
        """Free the runtime; it may be called more than once."""
        self.runtime.close()

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _logits(self, view: np.ndarray, maps: dict[str, Any], phrases: np.ndarray, cells: list[list[Cell]]) -> np.ndarray:
        """Run the mask stage for the chosen cells `[P,K]`, for no phrase not at all: mask logits `[P,K,H,W]`."""
        if not cells:
            return np.empty((0, 1, self.framing.height, self.framing.width), np.float32)
        indices = np.array([[cell.index for cell in row] for row in cells], np.int32)
        return np.asarray(self._mask(frame=view, **maps, phrases=phrases, cells=indices)["masks"])

    def _restore(self, placement: Placement, logits: np.ndarray) -> np.ndarray:
        return placement.mask(logits, self.bundle.manifest.mask_threshold)


def _result(
    text: str,
    words: Encoded,
    cell: Cell,
    grid: np.ndarray,
    mask: np.ndarray | None,
    placement: Placement,
    milliseconds: dict[str, float],
) -> Segmentation:
    box = None if mask is None else box_of(mask)
    return Segmentation(
        text=text,
        found=box is not None,
        score=cell.score,
        mask=np.zeros(placement.frame_size, bool) if mask is None else mask,
        box=box,
        cell=(cell.row, cell.column),
        identifying_map=grid,
        unknown_words=words.unknown,
        cut_words=words.cut,
        frame_size=placement.frame_size,
        milliseconds=milliseconds,
    )
