"""The Segmenter: loads a bundle and looks at frames. What it saw of a frame, a `View`, answers questions about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from isfp.bundle.bundle import Bundle
from isfp.errors import IsfpError
from isfp.runtimes import Runtime, choose
from isfp.steps.letterbox import check_frame
from isfp.steps.notes import phrase_notes
from isfp.steps.one_thread import OneThread
from isfp.steps.phrase import EncodedPhrase
from isfp.steps.phrase_cache import CacheCounts, PhraseCache
from isfp.steps.result import Candidate, Segmentation
from isfp.steps.segmentation_set import SegmentationSet
from isfp.steps.stopwatch import Stopwatch
from isfp.steps.view import LoadedNetwork, PhraseList, View, check_threshold


class Segmenter:
    """Finds the object that a phrase means in a frame, and returns its mask.

    Use a Segmenter from one thread at a time, because it reuses its buffers for every frame: a second thread gets a
    SegmenterInUseError. Make one for each thread.

        with Segmenter("edge.isfp") as segmenter:
            result = segmenter.run(frame, "the red mug left of the laptop")

    To ask several questions about one frame, look at it once:

        view = segmenter.look(frame)
        mug, plate = view.find(["the red mug", "the plate"])
        if not mug.found:
            others = view.candidates("the red mug")

    Attributes:
        bundle: the bundle that it runs.
        runtime: what runs the bundle's stages.
        framing: how frames are letterboxed for the network.
        vocabulary: the words that the network knows.
    """

    def __init__(
        self,
        bundle: str | Path | Bundle,
        runtime: str | Runtime = "auto",
        threshold: float | None = None,
        cache: int = 256,
        threads: int = 0,
    ) -> None:
        """Check and load a bundle.

        Args:
            bundle: the bundle's folder.
            runtime: `"auto"` for the best one that this machine has for the bundle, a name, a name with an option
                (`"tensorrt:int8"`, `"onnxruntime:cuda"`), or a `Runtime` with options of your own.
            threshold: minimum score for a match, 0 to 1; by default the bundle's own.
            cache: how many phrase vectors to keep.
            threads: number of threads of a runtime that computes on the CPU; 0 for one on each physical core that this process
                may use. A `Runtime` of your own has its own number.

        Raises:
            BundleError: the bundle is missing, damaged, or of a format version that this SDK does not read.
            RuntimeUnavailableError: the runtime is unknown, or this machine cannot run it.
            EngineMismatchError: the runtime cannot run this bundle.
        """
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        manifest = self.bundle.manifest
        self._threshold = check_threshold(manifest.found_threshold if threshold is None else threshold)
        if cache < 0:
            raise IsfpError(f"The phrase cache is to keep {cache} phrases; expected 0 or more.")
        self.runtime = runtime if isinstance(runtime, Runtime) else choose(runtime, self.bundle, threads)
        self.framing = manifest.framing
        self.vocabulary = self.bundle.vocabulary()
        self._image, text, identify, mask = (
            self.runtime.load(self.bundle, stage) for stage in ("image", "text", "identify", "mask")
        )
        self._network = LoadedNetwork(
            self.vocabulary,
            manifest.max_words,
            manifest.grid,
            manifest.mask_threshold,
            manifest.noun_required,
            PhraseCache(text, cache),
            identify,
            mask,
        )
        self._letterboxed = np.empty((1, self.framing.height, self.framing.width, 3), np.uint8)

    @property
    def threshold(self) -> float:
        """Minimum score for a match, 0 to 1. To use another one for a single question, pass it to `run` or `View.find`."""
        return self._threshold

    def look(self, frame: np.ndarray) -> View:
        """Letterbox a frame and run the image stage on it, once for everything that is then asked about the frame.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red, of any size.

        Returns:
            A view of the frame, valid until the next call of `look` or `run`.

        Raises:
            FrameError: the frame is not such an image.
            SegmenterInUseError: another thread is using the Segmenter.
            RuntimeFailedError: the network failed.
        """
        check_frame(frame)
        with self._network.one_thread:
            self._network.looks += 1  # from here on earlier views are stale, because their buffers are overwritten
            stopwatch = Stopwatch()
            with stopwatch.step("frame"):
                letterboxed, letterbox = self.framing.fit(frame, out=self._letterboxed)
            with stopwatch.step("image"):
                maps = self._image(frame=letterboxed)
            return View(self._network, self._threshold, letterboxed, letterbox, maps, stopwatch)

    @overload
    def run(
        self, frame: np.ndarray, text: str, threshold: float | None = None, several: Literal[False] = False
    ) -> Segmentation: ...
    @overload
    def run(
        self, frame: np.ndarray, text: PhraseList, threshold: float | None = None, several: Literal[False] = False
    ) -> list[Segmentation]: ...
    @overload
    def run(self, frame: np.ndarray, text: str, threshold: float | None = None, *, several: Literal[True]) -> SegmentationSet: ...
    @overload
    def run(
        self, frame: np.ndarray, text: PhraseList, threshold: float | None = None, *, several: Literal[True]
    ) -> list[SegmentationSet]: ...

    def run(self, frame: np.ndarray, text: str | PhraseList, threshold: float | None = None, several: bool = False) -> Any:
        """Find the object that each phrase means in a frame: `look(frame).find(text, threshold, several)`.

        The image stage runs once, however many phrases there are, the text stage only for phrases that are not in the cache, and
        the mask stage only for objects that were found.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red, of any size.
            text: one phrase, or a list of them.
            threshold: minimum score for a match, 0 to 1; by default the Segmenter's.
            several: find every object that a phrase means ("the mugs"), not only the best one.

        Returns:
            One `Segmentation` for one phrase; for a list, a list of them in its order. With `several`, a `SegmentationSet` in place
            of each `Segmentation`.

        Raises:
            FrameError: the frame is not such an image.
            PhraseError: a phrase is not text, or has no words.
            SegmenterInUseError: another thread is using the Segmenter.
            RuntimeFailedError: the network failed, or returned values that are not finite or out of range.
        """
        with self._network.one_thread:
            return self.look(frame).find(text, threshold, several)

    def candidates(self, frame: np.ndarray, text: str, k: int = 3) -> list[Candidate]:
        """Return up to K different objects that a phrase might mean in a frame: `look(frame).candidates(text, k)`.

        If you also want the frame's results, call `look` once and ask the view for both.

        Raises:
            IsfpError: k is less than 1.
            FrameError, PhraseError, SegmenterInUseError, RuntimeFailedError: as for `run`.
        """
        with self._network.one_thread:
            return self.look(frame).candidates(text, k)

    def encode(self, text: str) -> EncodedPhrase:
        """Return a phrase as the network reads it, with the words that it does not know.

        Raises:
            PhraseError: the phrase is not text, or has no words.
        """
        return self._network.encode(text)

    def notes(self, text: str) -> list[str]:
        """Return what a person should know about a phrase, in words: unknown words with suggestions, cut words, no known noun.

        May be called from any thread, as `encode` may.

        Raises:
            PhraseError: the phrase is not text, or has no words.
        """
        return phrase_notes(self.encode(text), self._network.noun_required)

    @property
    def cache_counts(self) -> CacheCounts:
        """Hits and misses of the phrase cache so far."""
        return self._network.phrases.counts

    @property
    def one_thread(self) -> OneThread:
        """A context that only one thread at a time can enter, for work that asks several questions about a frame.

        Entering raises SegmenterInUseError while another thread is inside, or in any method that uses the network.
        """
        return self._network.one_thread

    def close(self) -> None:
        """Free the runtime; it may be called more than once.

        Raises:
            SegmenterInUseError: another thread is using the Segmenter.
        """
        with self._network.one_thread:
            self.runtime.close()

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
