"""The Segmenter: loads a bundle and looks at frames. What it saw of a frame, a `View`, answers questions about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, overload

import numpy as np

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import FIND
from isfp.errors import FrameError
from isfp.runtimes import Runtime, choose
from isfp.steps.arguments import MOST_THREADS, whole_number
from isfp.steps.at_once import AtOnce
from isfp.steps.letterbox import check_frame, logit_of
from isfp.steps.notes import phrase_notes
from isfp.steps.one_thread import OneThread
from isfp.steps.phrase import EncodedPhrase
from isfp.steps.phrase_cache import CacheCounts, PhraseCache
from isfp.steps.prepared_frame import PreparedFrame
from isfp.steps.result import Candidate, Segmentation
from isfp.steps.segmentation_set import SegmentationSet
from isfp.steps.stopwatch import Stopwatch
from isfp.steps.stream import Stream
from isfp.steps.view import LoadedNetwork, PhraseList, View, check_threshold, distinct_phrases, phrase_list


class Segmenter:
    """Finds the object that a phrase means in a frame, and returns its mask.

    Use a Segmenter from one thread at a time, because it reuses its buffers for every frame: a second thread gets a
    SegmenterInUseError, and so does a fork of the process. Make one for each thread and each process; it cannot be pickled.
    A child that you fork yourself must end by `os._exit`: ended by `sys.exit`, it waits for ONNX Runtime's threads for ever.

        with Segmenter("edge.isfp") as segmenter:
            result = segmenter.run(frame, "the red mug left of the laptop")

    To ask several questions about one frame, look at it once:

        view = segmenter.look(frame)
        mug, plate = view.find(["the red mug", "the plate"])
        if not mug.found:
            others = view.candidates("the red mug")

    Frames that follow each other, of a camera or a video, are handled faster as a stream:

        for item in segmenter.stream(frames, "the red mug"):
            print(item.index, item.result.found)

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
            RuntimeFailedError: the runtime serves another Segmenter or bundle, or was closed.
            IsfpError: a number is out of range.
        """
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        manifest = self.bundle.manifest
        self._threshold = check_threshold(manifest.found_threshold if threshold is None else threshold)
        cache = whole_number("The number of phrases to cache", cache, 0)
        threads = whole_number("The number of threads", threads, 0, MOST_THREADS)
        self.runtime = runtime if isinstance(runtime, Runtime) else choose(runtime, self.bundle, threads)
        self.runtime.serve(self)
        self.framing = manifest.framing
        self.vocabulary = self.bundle.vocabulary()
        self._image, text, identify, mask = (
            self.runtime.load(self.bundle, stage) for stage in ("image", "text", "identify", "mask")
        )
        most_at_once = self.runtime.most_at_once(self.bundle)
        self._network = LoadedNetwork(
            self.vocabulary,
            manifest.max_words,
            manifest.grid,
            manifest.mask_threshold,
            manifest.noun_required,
            PhraseCache(text, cache),
            identify,
            mask,
            self.runtime.load(self.bundle, FIND) if most_at_once else None,
            most_at_once,
            self.runtime.longest_frame,
        )
        self._map_names = [tensor.name for tensor in manifest.stages["image"].outputs]
        self._letterboxed = np.empty((1, self.framing.height, self.framing.width, 3), np.uint8)

    @property
    def threshold(self) -> float:
        """Minimum score for a match, 0 to 1. To use another one for a single question, pass it to `run` or `View.find`."""
        return self._threshold

    def prepare(self, frame: np.ndarray) -> PreparedFrame:
        """Letterbox a frame ahead of `look` or `run`, which then take what this returns in place of the frame.

        May be called from any thread, as `encode` may: so one thread can prepare the next frame while another runs the network.

        Raises:
            FrameError: the frame is not uint8 `[h,w,3]`.
        """
        return PreparedFrame.of(frame, self.framing)

    def look(self, frame: np.ndarray | PreparedFrame, texts: Sequence[str] = ()) -> View:
        """Letterbox a frame and run the image stage on it, once for everything that is then asked about the frame.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red, of any size; or what `prepare` made of it.
            texts: phrases that will be asked about the frame. The answers are the same without them. Where the runtime has the
                network in one graph, and all of them were found when they were last asked for, they are computed along with the
                image: on a GPU, this is one launch and one wait.

        Returns:
            A view of the frame, valid until the next call of `look` or `run`.

        Raises:
            FrameError: the frame is not such an image, or was prepared for a network with another input.
            PhraseError: a phrase is not text, or has no words.
            SegmenterInUseError: another thread is using the Segmenter.
            RuntimeFailedError: the network failed.
        """
        if not isinstance(frame, PreparedFrame):
            check_frame(frame)
        elif frame.framing != self.framing:
            raise FrameError(
                f"The frame was prepared for {frame.framing}; expected {self.framing}. Prepare it with this Segmenter."
            )
        network, texts = self._network, phrase_list(texts)
        with network.one_thread:
            phrases = distinct_phrases([network.encode(text) for text in texts]) if network.find else []
            network.looks += 1  # from here on earlier views are stale, because their buffers are overwritten
            if network.find is not None and network.expects(phrases):
                return self._look_at_once(network.find, frame, phrases)
            if not isinstance(frame, PreparedFrame):
                frame = PreparedFrame.of(frame, self.framing, out=self._letterboxed)
            stopwatch = Stopwatch(frame=frame.milliseconds)
            with stopwatch.step("image"):
                maps = self._image(frame=frame.letterboxed)
            return View(network, self._threshold, frame.letterboxed, frame.letterbox, maps, stopwatch)

    def _look_at_once(
        self, find: Callable[..., Mapping[str, Any]], frame: np.ndarray | PreparedFrame, phrases: Sequence[EncodedPhrase]
    ) -> View:
        """Run the stage `find` on a frame: letterboxed by the device where it can, and was not before."""
        network, stopwatch = self._network, Stopwatch()
        if not isinstance(frame, PreparedFrame) and max(frame.shape[:2]) > network.longest_frame:
            frame = PreparedFrame.of(frame, self.framing, out=self._letterboxed)
        if isinstance(frame, PreparedFrame):
            stopwatch = Stopwatch(frame=frame.milliseconds)
            pixels, letterbox = frame.letterboxed, frame.letterbox
        else:
            pixels, letterbox = frame, self.framing.letterbox(*frame.shape[:2])
        with stopwatch.step("text"):
            vectors = network.phrases.vectors(phrases)
        with stopwatch.step("find"):
            inputs: dict[str, Any] = {"frame": pixels, "phrases": vectors}
            if max(letterbox.frame_size) <= network.longest_frame:
                inputs.update(letterbox=letterbox, threshold=logit_of(network.mask_threshold))
            outputs = find(**inputs)
            maps = {name: outputs[name] for name in self._map_names}
            at_once = AtOnce.from_outputs([phrase.key for phrase in phrases], vectors, outputs)
        return View(network, self._threshold, outputs.get("letterboxed", pixels), letterbox, maps, stopwatch, at_once)

    @overload
    def run(
        self, frame: np.ndarray | PreparedFrame, text: str, threshold: float | None = None, several: Literal[False] = False
    ) -> Segmentation: ...
    @overload
    def run(
        self, frame: np.ndarray | PreparedFrame, text: PhraseList, threshold: float | None = None, several: Literal[False] = False
    ) -> list[Segmentation]: ...
    @overload
    def run(
        self, frame: np.ndarray | PreparedFrame, text: str, threshold: float | None = None, *, several: Literal[True]
    ) -> SegmentationSet: ...
    @overload
    def run(
        self, frame: np.ndarray | PreparedFrame, text: PhraseList, threshold: float | None = None, *, several: Literal[True]
    ) -> list[SegmentationSet]: ...

    def run(
        self, frame: np.ndarray | PreparedFrame, text: str | PhraseList, threshold: float | None = None, several: bool = False
    ) -> Any:
        """Find the object that each phrase means in a frame: `look(frame).find(text, threshold, several)`.

        The image stage runs once, however many phrases there are, the text stage only for phrases that are not in the cache, and
        the mask stage only for objects that were found.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red, of any size; or what `prepare` made of it.
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
        texts = text if isinstance(text, list | tuple) else [text]
        with self._network.one_thread:
            return self.look(frame, () if several else texts).find(text, threshold, several)

    @overload
    def stream(
        self,
        frames: Iterable[np.ndarray],
        text: str,
        threshold: float | None = None,
        several: Literal[False] = False,
        drop_late: bool | None = None,
    ) -> Stream[Segmentation]: ...
    @overload
    def stream(
        self,
        frames: Iterable[np.ndarray],
        text: PhraseList,
        threshold: float | None = None,
        several: Literal[False] = False,
        drop_late: bool | None = None,
    ) -> Stream[list[Segmentation]]: ...
    @overload
    def stream(
        self,
        frames: Iterable[np.ndarray],
        text: str,
        threshold: float | None = None,
        *,
        several: Literal[True],
        drop_late: bool | None = None,
    ) -> Stream[SegmentationSet]: ...
    @overload
    def stream(
        self,
        frames: Iterable[np.ndarray],
        text: PhraseList,
        threshold: float | None = None,
        *,
        several: Literal[True],
        drop_late: bool | None = None,
    ) -> Stream[list[SegmentationSet]]: ...

    def stream(
        self,
        frames: Iterable[np.ndarray],
        text: str | PhraseList,
        threshold: float | None = None,
        several: bool = False,
        drop_late: bool | None = None,
    ) -> Any:
        """Find the object that each phrase means in every frame of a source, while the next frame is read.

        The results are those of `run` on one frame after another. Reading and letterboxing, the network, and what you do with a
        result overlap, each in a thread of its own. While the stream runs, the Segmenter belongs to it: other uses get a
        SegmenterInUseError.

            with Segmenter("edge.isfp") as segmenter, isfp.camera.open("0") as camera:
                for item in segmenter.stream(camera, "the red mug"):
                    print(item.index, item.result.found)

        Args:
            frames: an open camera, a list, a generator or the like, of frames uint8 `[h,w,3]`, each an array of its own. It is
                iterated over in another thread.
            text: one phrase, or a list of them; `Stream.text` changes it on the way.
            threshold: as for `run`.
            several: as for `run`.
            drop_late: for sources that do not wait: where frames come faster than results are taken, drop all but the newest one
                and count them (`Stream.dropped`). By default for a live `Camera` only.

        Returns:
            An iterator over `StreamItem`s, each with `frame`, `result`, `index` and `seconds`.

        Raises:
            IsfpError: the threshold is out of range, or `frames` cannot be iterated over.
            PhraseError: a phrase is not text, or has no words.
            FrameError, SegmenterInUseError, RuntimeFailedError: as for `run`, from the stream, which then has ended; errors of
                the source too, as they are.
        """
        if threshold is not None:
            check_threshold(threshold)
        run: Any = self.run  # the overloads are for callers
        return Stream(self, lambda frame, asked: run(frame, asked, threshold, several), frames, text, drop_late)

    def candidates(self, frame: np.ndarray | PreparedFrame, text: str, k: int = 3) -> list[Candidate]:
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
        """Free the runtime; it may be called more than once. In a fork it does nothing: what is to be freed is the parent's.

        Raises:
            SegmenterInUseError: another thread is using the Segmenter.
        """
        if self._network.one_thread.is_forked:
            return  # freeing waits for the network's threads, which a fork lacks
        with self._network.one_thread:
            self.runtime.close()

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied and pickled."""
        self._network.one_thread.__reduce__()

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
