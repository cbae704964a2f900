"""A Segmenter in a thread of its own, for use from an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from isfp import pictures
from isfp.errors import IsfpError
from isfp.runtimes import Runtime
from isfp.segmenter import Segmenter
from isfp.steps.result import Candidate, run_lengths

T = TypeVar("T")


class BusyError(IsfpError):
    """Too many requests are waiting for the network already."""


class Asker:
    """Answers requests one after another.

    It finds every phrase with a threshold of 0, so that the page can move its own threshold without asking again.
    """

    def __init__(
        self, bundle: str | Path, runtime: str | Runtime = "auto", waiting: int = 8, megapixels: float = 20, threads: int = 0
    ) -> None:
        """Load a bundle, and run it once so that the first request is not slow.

        Args:
            bundle: the bundle's folder.
            runtime: as for `Segmenter`.
            waiting: how many requests may wait.
            megapixels: most that the pictures of those that wait may have together; one alone may have more.
            threads: as for `Segmenter`.

        Raises:
            IsfpError: as for `Segmenter`.
        """
        self._thread = ThreadPoolExecutor(1, "isfp")
        self._most, self._waiting = waiting, 0
        self._most_megapixels, self._megapixels = megapixels, 0.0
        try:
            self._segmenter = self._thread.submit(Segmenter, bundle, runtime, threads=threads).result()
            self._thread.submit(self._warm_up).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def about(self) -> dict[str, Any]:
        """Return what the page shows about the bundle, as JSON values."""
        manifest = self._segmenter.bundle.manifest
        return {
            "name": manifest.name,
            "threshold": manifest.found_threshold,
            "grid": manifest.grid,
            "words": manifest.max_words,
            "view": [manifest.framing.width, manifest.framing.height],
            "runtime": self._segmenter.runtime.name,
        }

    async def find(self, content: bytes, phrase: str, candidates: int, megapixels: float = 0) -> dict[str, Any]:
        """Find what a phrase means in a picture file.

        Args:
            content: the file's content.
            phrase: the phrase.
            candidates: how many objects that it might mean to return as well; 0 for none.
            megapixels: the picture's size.

        Returns:
            JSON values: `result` (as `Segmentation.to_json`), `identifying_map` `[S][S]`, the box `map_box` (x1, y1, x2, y2) that
            the map covers in the frame's pixels, and `candidates`, best first.

        Raises:
            FrameError, PhraseError: the file is not a picture; the phrase has no words.
            BusyError: too many requests are waiting already.
        """
        if self._waiting >= self._most:
            raise BusyError(f"{self._waiting} requests are waiting already; expected fewer. Try again in a moment.")
        if self._waiting and self._megapixels + megapixels > self._most_megapixels:
            raise BusyError(
                f"The pictures that are waiting have {self._megapixels:.0f} megapixels; expected at most "
                f"{self._most_megapixels:g} with this one. Try again in a moment, or send a smaller picture."
            )
        self._waiting, self._megapixels = self._waiting + 1, self._megapixels + megapixels
        try:
            return await self._in_thread(lambda: self._find(content, phrase, candidates))
        finally:
            self._waiting, self._megapixels = self._waiting - 1, self._megapixels - megapixels

    def close(self) -> None:
        """Free the Segmenter."""
        self._thread.submit(self._segmenter.close).result()
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _warm_up(self) -> None:
        """Run every stage once; nothing is found in a grey frame, so the mask stage is asked by itself."""
        view = self._segmenter.look(np.full((480, 640, 3), 128, np.uint8))
        view.find("anything")
        view.masks(["anything"], [[0]])

    def _find(self, content: bytes, phrase: str, candidates: int) -> dict[str, Any]:
        segmenter = self._segmenter
        frame = pictures.decode(content, "What was sent")
        view = segmenter.look(frame)
        result = view.find(phrase, threshold=0.0)
        others = view.candidates(phrase, candidates) if candidates else []
        framing = segmenter.framing
        return {
            "result": result.to_json(),
            "identifying_map": [[round(float(value), 4) for value in row] for row in result.identifying_map],
            "map_box": view.letterbox.boxes_to_frame(np.array([0, 0, framing.width, framing.height])).round(2).tolist(),
            "candidates": [_candidate(other) for other in others],
        }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "score": round(candidate.score, 4),
        "box": list(candidate.box) if candidate.box else None,
        "pixels": int(candidate.mask.sum()),
        "mask": {"size": list(candidate.mask.shape), "counts": run_lengths(candidate.mask)},
        "cell": list(candidate.cell),
    }
