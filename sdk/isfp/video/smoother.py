"""Video: masks that hold still on a still scene, keep up with what moves, and come and go without flicker."""

from __future__ import annotations

from typing import overload

import numpy as np

from isfp.errors import IsfpError
from isfp.segmenter import Segmenter
from isfp.steps.result import Segmentation
from isfp.steps.view import PhraseAnswer, distinct_phrases
from isfp.video.memory import Memory


class Smoother:
    """Stands in for a Segmenter where frames follow each other, and steadies what it says.

    The identifying maps and masks of the frames before are blended in, the chosen cell changes only for one that is clearly
    likelier, and `found` has hysteresis: a thing is found from the Segmenter's threshold on, and lost below a lower one.

        with Segmenter("edge.isfp") as segmenter, isfp.camera.open("0") as frames:
            smoother = Smoother(segmenter)
            for frame in frames:
                result = smoother.run(frame, "the red mug")

    Its results' score, cell and identifying map are those of the blend; the first frame's are the Segmenter's own.
    """

    def __init__(self, segmenter: Segmenter, leave: float | None = None) -> None:
        """Take the Segmenter that computes, which stays the caller's to close.

        Args:
            segmenter: any; a Smoother is for one video, and several may share one Segmenter in one thread.
            leave: score below which a thing that was found is lost, 0 to the Segmenter's threshold; 0.7 of that by default.

        Raises:
            IsfpError: `leave` is out of its range.
        """
        self.segmenter = segmenter
        self.leave = 0.7 * segmenter.threshold if leave is None else leave
        if not 0 <= self.leave <= segmenter.threshold:
            raise IsfpError(
                f"leave is {leave}; expected a score from 0 to the Segmenter's threshold, {segmenter.threshold}: a thing that "
                "was found is lost at a lower score than it is found at."
            )
        self._memory = Memory(segmenter.threshold, self.leave, segmenter.bundle.manifest.mask_threshold)
        self._size: tuple[int, ...] = ()

    @overload
    def run(self, frame: np.ndarray, text: str) -> Segmentation: ...
    @overload
    def run(self, frame: np.ndarray, text: list[str] | tuple[str, ...]) -> list[Segmentation]: ...

    def run(self, frame: np.ndarray, text: str | list[str] | tuple[str, ...]) -> Segmentation | list[Segmentation]:
        """Find what each phrase means in the next frame; as `Segmenter.run`.

        Phrases may change from frame to frame: one that is left out of a frame starts anew, and a frame of another size lets all
        of them start anew.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red.
            text: one phrase, or a list of them.

        Raises:
            FrameError, PhraseError: as for `Segmenter.run`; what is remembered stays.
        """
        view = self.segmenter.look(frame)
        phrases = [view.encode(phrase) for phrase in (text if isinstance(text, list | tuple) else [text])]
        if view.letterbox.frame_size != self._size:
            self.reset()
            self._size = view.letterbox.frame_size
        if not phrases:
            return []
        distinct = distinct_phrases(phrases)
        newest = view.identify(distinct)
        with view.stopwatch.step("lookup"):
            maps, cells, found = self._memory.look_up([phrase.key for phrase in distinct], newest)
        logits = view.masks([distinct[n] for n in found], [[cells[n].index] for n in found])
        with view.stopwatch.step("steady"):
            steadied = self._memory.steady([distinct[n].key for n in found], view.letterboxed, logits)
        masks = {n: channels[0] for n, channels in zip(found, steadied, strict=True)}
        answers = {phrase.key: PhraseAnswer(cells[n], maps[n], masks.get(n)) for n, phrase in enumerate(distinct)}
        results = view.segmentations(phrases, answers)
        return results if isinstance(text, list | tuple) else results[0]

    def reset(self) -> None:
        """Forget the frames so far, as at a cut."""
        self._memory.forget()
