"""Video: masks that are stable on a still scene, keep up with moving objects, and do not flicker on and off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import overload

import numpy as np

from isfp.errors import IsfpError
from isfp.segmenter import Segmenter
from isfp.steps.arguments import number_between, shown
from isfp.steps.prepared_frame import PreparedFrame
from isfp.steps.result import Segmentation
from isfp.steps.stream import Stream
from isfp.steps.verdict import NotFoundReason
from isfp.steps.view import PhraseAnswer, PhraseList, View, distinct_phrases
from isfp.video.memory import Memory


class Smoother:
    """Finds phrases in the frames of a video as a Segmenter does, and stabilises the results.

    The identifying maps and masks of earlier frames are blended in, the chosen cell changes only for one that is clearly more
    likely, and `found` has hysteresis: an object is found when its score reaches the Segmenter's threshold, and lost below a lower
    one.

        with Segmenter("edge.isfp") as segmenter, isfp.camera.open("0") as frames:
            for item in Smoother(segmenter).stream(frames, "the red mug"):
                print(item.seconds, item.result.found)

    The results' score, cell and identifying map are those of the blend; those of the first frame are the Segmenter's own.
    """

    def __init__(self, segmenter: Segmenter, leave: float | None = None) -> None:
        """Take the Segmenter to use, which the caller closes.

        Args:
            segmenter: a Segmenter. A Smoother is for one video; several may share one Segmenter in one thread.
            leave: score below which an object that was found is lost, 0 to the Segmenter's threshold; by default 0.7 of it.

        Raises:
            IsfpError: `leave` is out of its range, or `segmenter` is no Segmenter.
        """
        if not isinstance(segmenter, Segmenter):
            raise IsfpError(f"The Segmenter is {shown(segmenter)}; expected one: Smoother(Segmenter(BUNDLE)).")
        self.segmenter = segmenter
        most = segmenter.threshold
        expected = (
            f"a score from 0 to the Segmenter's threshold, {most}: an object that was found is lost at a lower score than the one "
            "at which it is found"
        )
        self.leave = 0.7 * most if leave is None else number_between("leave", leave, 0, most, expected)
        self._memory = self._new_memory()
        self._size: tuple[int, ...] = ()

    @overload
    def run(self, frame: np.ndarray | PreparedFrame, text: str) -> Segmentation: ...
    @overload
    def run(self, frame: np.ndarray | PreparedFrame, text: PhraseList) -> list[Segmentation]: ...

    def run(self, frame: np.ndarray | PreparedFrame, text: str | PhraseList) -> Segmentation | list[Segmentation]:
        """Find the object that each phrase means in the next frame; see `Segmenter.run`.

        Phrases may change from frame to frame. A phrase that was left out of a frame starts from scratch, and after a frame of
        another size all of them do.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red; or what `Segmenter.prepare` made of it.
            text: one phrase, or a list of them.

        Raises:
            FrameError, PhraseError, SegmenterInUseError, RuntimeFailedError: as for `Segmenter.run`; nothing is forgotten.
        """
        with self.segmenter.one_thread:
            texts = text if isinstance(text, list | tuple) else [text]
            results = self._run(self.segmenter.look(frame, texts), texts)
        return results if isinstance(text, list | tuple) else results[0]

    @overload
    def stream(self, frames: Iterable[np.ndarray], text: str, drop_late: bool | None = None) -> Stream[Segmentation]: ...
    @overload
    def stream(
        self, frames: Iterable[np.ndarray], text: PhraseList, drop_late: bool | None = None
    ) -> Stream[list[Segmentation]]: ...

    def stream(self, frames: Iterable[np.ndarray], text: str | PhraseList, drop_late: bool | None = None) -> Stream:
        """Find the object that each phrase means in every frame of a video, while the next frame is read.

        The results are those of `run` on one frame after another; see `Segmenter.stream` for the arguments and the errors.
        """
        return Stream(self.segmenter, self.run, frames, text, drop_late)

    def _run(self, view: View, text: PhraseList) -> list[Segmentation]:
        phrases = [view.encode(phrase) for phrase in text]
        size = view.letterbox.frame_size
        memory = self._memory if size == self._size else self._new_memory()
        if phrases:
            distinct = distinct_phrases(phrases)
            newest = view.identify(distinct)
            with view.stopwatch.step("lookup"):
                refused = {n: reason for n, phrase in enumerate(distinct) if (reason := view.why_refused(phrase))}
                maps, cells, found = memory.look_up([phrase.key for phrase in distinct], newest, refused)
            try:
                logits = view.masks([distinct[n] for n in found], [[cells[n].index] for n in found])
            except BaseException:
                memory.undo()
                raise
            with view.stopwatch.step("steady"):
                steadied = memory.steady([distinct[n].key for n in found], view.letterboxed, logits)
            masks = {n: channels[0] for n, channels in zip(found, steadied, strict=True)}
            answers = {}
            for n, phrase in enumerate(distinct):
                reason = None if n in masks else refused.get(n, NotFoundReason.BELOW_THRESHOLD)
                answers[phrase.key] = PhraseAnswer(cells[n], maps[n], masks.get(n), reason, self.leave)
        self._memory, self._size = memory, size  # only once nothing can fail any more
        return view.segmentations(phrases, answers) if phrases else []

    def reset(self) -> None:
        """Forget the frames so far, as at a cut."""
        self._memory.forget()

    def _new_memory(self) -> Memory:
        return Memory(self.segmenter.threshold, self.leave, self.segmenter.bundle.manifest.mask_threshold)
