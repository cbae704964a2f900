"""What a Segmenter saw of one frame, and the questions that can be asked about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NoReturn, TypeAlias, overload

import numpy as np

from isfp.errors import IsfpError, PhraseError, StaleViewError
from isfp.steps.arguments import number_between, shown, whole_number
from isfp.steps.at_once import AtOnce, DeviceMask
from isfp.steps.contrast import has_contrast
from isfp.steps.letterbox import Letterbox, logit_of
from isfp.steps.lookup import Cell, best_cells, peaks
from isfp.steps.one_thread import OneThread
from isfp.steps.phrase import EncodedPhrase, Vocabulary
from isfp.steps.phrase_cache import PhraseCache
from isfp.steps.pieces import keep_piece, other_pieces
from isfp.steps.result import Box, Candidate, Segmentation, box_of
from isfp.steps.rivals import Rival, rivals_of
from isfp.steps.segmentation_set import SegmentationSet, distinct_objects
from isfp.steps.stopwatch import Stopwatch
from isfp.steps.values import check_finite, check_probabilities
from isfp.steps.verdict import NotFoundReason, why_refused

PhraseList: TypeAlias = list[str] | tuple[str, ...]

#: Phrases that are remembered as found.
_MOST_FOUND = 1000
#: Texts of which the words are remembered, and the longest of them, characters.
_MOST_READ, _LONGEST_READ = 256, 1000


@dataclass
class LoadedNetwork:
    """A bundle's network, loaded by a Segmenter and shared by its views.

    Attributes:
        vocabulary: the words that it knows.
        max_words: L, the words of a phrase that it reads.
        grid: S, rows and columns of the identifying map.
        mask_threshold: probability, between 0 and 1, above which a pixel belongs to a mask.
        noun_required: whether a phrase must name an object; see `Manifest.noun_required`.
        phrases: the text stage, with a cache.
        identify: the stage of this name.
        mask: the stage of this name.
        find: the stage of this name, image, identify and mask in one graph; None where the runtime has none.
        most_at_once: for how many phrases `find` can run.
        longest_frame: longest side of a frame that `find` takes as the camera gives it, `Runtime.longest_frame`.
        read: what `encode` returned for the latest texts; most programs ask for the same on every frame.
        found: keys of the phrases that were found when they were last asked for.
        looks: how many frames were looked at; only the view of the latest is valid.
        one_thread: entered by whatever uses the buffers.
    """

    vocabulary: Vocabulary
    max_words: int
    grid: int
    mask_threshold: float
    noun_required: bool
    phrases: PhraseCache
    identify: Callable[..., Mapping[str, Any]]
    mask: Callable[..., Mapping[str, Any]]
    find: Callable[..., Mapping[str, Any]] | None = None
    most_at_once: int = 0
    longest_frame: int = 0
    read: dict[str, EncodedPhrase] = field(default_factory=dict)
    found: set[bytes] = field(default_factory=set)
    looks: int = 0
    one_thread: OneThread = field(default_factory=OneThread)

    def encode(self, text: str) -> EncodedPhrase:
        """Return a phrase as the network reads it; see `Segmenter.encode`."""
        known = self.read.get(text) if isinstance(text, str) else None
        if known is not None:
            return known
        phrase = self.vocabulary.encode(text, self.max_words)
        phrase.ids.setflags(write=False)
        if len(text) <= _LONGEST_READ:
            if len(self.read) >= _MOST_READ:
                self.read.clear()
            self.read[text] = phrase
        return phrase

    def expects(self, phrases: Sequence[EncodedPhrase]) -> bool:
        """Whether `find` is worth its mask: it can run for these phrases, and all of them were found when last asked for."""
        return 0 < len(phrases) <= self.most_at_once and self.found.issuperset(phrase.key for phrase in phrases)

    def remember(self, phrase: EncodedPhrase, found: bool) -> None:
        """Note whether a phrase was found in the latest frame that it was asked for."""
        if not found:
            self.found.discard(phrase.key)
            return
        if len(self.found) >= _MOST_FOUND:
            self.found.clear()
        self.found.add(phrase.key)


@dataclass(frozen=True, eq=False)
class PhraseAnswer:
    """What was computed for one phrase, in the network's terms.

    Attributes:
        cell: the cell that was chosen.
        identifying_map: probabilities `[S,S]`.
        logits: logits of that cell's mask `[H,W]`, or that mask from the device; None if the object was not found.
        reason: why it was not found; None if it was.
        threshold: minimum score for a match, which rivals must reach too.
    """

    cell: Cell
    identifying_map: np.ndarray
    logits: np.ndarray | DeviceMask | None
    reason: NotFoundReason | None = None
    threshold: float = 0.0


@dataclass(frozen=True, eq=False)
class _Restored:
    """A mask at the frame's size, bool `[h,w]`, its box, and how many large pieces it was in."""

    mask: np.ndarray
    box: Box | None
    pieces: int

    @classmethod
    def nothing(cls) -> _Restored:
        return cls(np.zeros((0, 0), bool), None, 0)


class View:
    """What a Segmenter saw of one frame; `Segmenter.look` returns it.

    The image stage has run. Any number of questions can now be asked without running it again, and a phrase's vector and
    identifying map are computed once. A view is valid until its Segmenter looks at another frame, which reuses the buffers; after
    that, every question raises StaleViewError. Results that were returned before stay valid. Like its Segmenter, a view is used by
    one thread at a time: a second one gets a SegmenterInUseError.

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
        at_once: AtOnce | None = None,
    ) -> None:
        """Take what `Segmenter.look` computed."""
        self._network, self._threshold, self._visual_maps, self._look = network, threshold, maps, network.looks
        self.letterboxed, self.letterbox, self.stopwatch = letterboxed, letterbox, stopwatch
        self._at_once = at_once
        self._vectors: dict[bytes, np.ndarray] = {}
        self._identifying: dict[bytes, np.ndarray] = {}
        if at_once is not None:
            self._vectors.update(zip(at_once.keys, at_once.vectors, strict=True))
            self._identifying.update(zip(at_once.keys, at_once.identifying, strict=True))

    @overload
    def find(self, text: str, threshold: float | None = None, several: Literal[False] = False) -> Segmentation: ...
    @overload
    def find(self, text: PhraseList, threshold: float | None = None, several: Literal[False] = False) -> list[Segmentation]: ...
    @overload
    def find(self, text: str, threshold: float | None = None, *, several: Literal[True]) -> SegmentationSet: ...
    @overload
    def find(self, text: PhraseList, threshold: float | None = None, *, several: Literal[True]) -> list[SegmentationSet]: ...
    @overload
    def find(self, text: str | PhraseList, threshold: float | None = None, several: bool = False) -> Any: ...

    def find(self, text: str | PhraseList, threshold: float | None = None, several: bool = False) -> Any:
        """Find the object that each phrase means.

        Args:
            text: one phrase, or a list of them.
            threshold: minimum score for a match, 0 to 1; by default the Segmenter's.
            several: find every object that a phrase means ("the mugs"), not only the best one. They are the peaks of the same
                identifying map that reach the threshold; the mask stage computes one mask for each.

        Returns:
            One `Segmentation` for one phrase; for a list, a list of them in its order. With `several`, a `SegmentationSet` in place
            of each `Segmentation`.

        Raises:
            PhraseError: a phrase is not text, or has no words.
            StaleViewError: the Segmenter has looked at another frame since.
            SegmenterInUseError: another thread is using the Segmenter.
            RuntimeFailedError: the network failed, or returned values that are not finite or out of range.
        """
        threshold = self._threshold if threshold is None else check_threshold(threshold)
        with self._network.one_thread:
            phrases = self._encode(text if isinstance(text, list | tuple) else [text])
            distinct = distinct_phrases(phrases)
            maps = self.identify(distinct)
            results: list[Any]
            if several:
                results = [self._find_all(phrase, threshold) for phrase in phrases]
            else:
                results = self._find_best(phrases, distinct, maps, threshold)
        return results if isinstance(text, list | tuple) else results[0]

    def candidates(self, text: str, k: int = 3) -> list[Candidate]:
        """Return up to K different objects that a phrase might mean, best first, whatever the threshold is.

        It computes one mask for each candidate: ask where a result's score leaves a doubt.

        Args:
            text: one phrase.
            k: how many at most, 1 or more; there are fewer if the identifying map has fewer local maxima.

        Raises:
            IsfpError: k is less than 1.
            PhraseError: the phrase is not text, or has no words.
            StaleViewError, SegmenterInUseError, RuntimeFailedError: as for `find`.
        """
        k = whole_number("The number of candidates", k, 1)
        with self._network.one_thread:
            phrase = self.encode(text)
            identifying_map = self.identify([phrase])[0]
            with self.stopwatch.step("lookup"):
                cells = peaks(identifying_map, k)
            logits = self._logits([phrase], [[cell.index for cell in cells]])[0]
            restored = [self._restore(channel, cell) for channel, cell in zip(logits, cells, strict=True)]
        return [
            Candidate(cell.score, one.mask, one.box, (cell.row, cell.column), one.pieces)
            for cell, one in zip(cells, restored, strict=True)
        ]

    def encode(self, text: str) -> EncodedPhrase:
        """Return a phrase as the network reads it; see `Segmenter.encode`."""
        return self._network.encode(text)

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied and pickled."""
        self._network.one_thread.__reduce__()

    def identify(self, phrases: Sequence[str | EncodedPhrase]) -> np.ndarray:
        """Return the phrases' identifying maps: for each cell, the probability that the object's centre is there.

        Args:
            phrases: P phrases, as text or as `Segmenter.encode` returns them.

        Returns:
            float32 `[P,S,S]`, a new array.

        Raises:
            PhraseError: a phrase is not text, or has no words.
            StaleViewError, SegmenterInUseError, RuntimeFailedError: as for `find`.
        """
        with self._network.one_thread:
            self._check_current()
            encoded = self._encode(phrases)
            with self.stopwatch.step("text"):
                self._read(encoded)
            with self.stopwatch.step("identify"):
                new = [key for key in dict.fromkeys(phrase.key for phrase in encoded) if key not in self._identifying]
                if new:
                    vectors = np.array([self._vectors[key] for key in new])
                    maps = self._network.identify(**self._visual_maps, phrases=vectors)["identifying"]
                    self._identifying.update(zip(new, check_probabilities(np.array(maps)), strict=True))
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
            StaleViewError, SegmenterInUseError, RuntimeFailedError: as for `find`.
        """
        with self._network.one_thread:
            return np.array(self._logits(self._encode(phrases), cells))

    def why_refused(self, phrase: EncodedPhrase) -> NotFoundReason | None:
        """Return why a phrase is not found in this frame whatever its score is, or None if the score decides."""
        return why_refused(phrase, self._contrast, self._network.noun_required)

    def segmentations(self, phrases: Sequence[EncodedPhrase], answers: Mapping[bytes, PhraseAnswer]) -> list[Segmentation]:
        """Turn what was computed for phrases into results at the frame's size.

        Args:
            phrases: in the order of the results; phrases with the same key share their answer.
            answers: what was computed for each phrase, by its `key`.
        """
        with self.stopwatch.step("restore"):
            restored = {
                key: self._restore(answer.logits, answer.cell) for key, answer in answers.items() if answer.logits is not None
            }
            rivals = {key: self._rivals(answers[key], one) for key, one in restored.items() if one.box}
        milliseconds, size = self.stopwatch.milliseconds(), self.letterbox.frame_size
        results = []
        for phrase in phrases:
            answer, one = answers[phrase.key], restored.get(phrase.key, _Restored.nothing())
            self._network.remember(phrase, one.box is not None)
            results.append(
                Segmentation(
                    text=phrase.text,
                    found=one.box is not None,
                    score=answer.cell.score,
                    mask=np.zeros(size, bool) if one.box is None else one.mask,
                    box=one.box,
                    cell=(answer.cell.row, answer.cell.column),
                    identifying_map=answer.identifying_map,
                    unknown_words=phrase.unknown,
                    cut_words=phrase.cut,
                    frame_size=size,
                    milliseconds=milliseconds,
                    suggestions=dict(phrase.suggestions),
                    reason=answer.reason or (NotFoundReason.EMPTY_MASK if one.box is None else None),
                    pieces=one.pieces,
                    rivals=rivals.get(phrase.key, ()),
                )
            )
        return results

    def _find_best(
        self, phrases: Sequence[EncodedPhrase], distinct: Sequence[EncodedPhrase], maps: np.ndarray, threshold: float
    ) -> list[Segmentation]:
        with self.stopwatch.step("lookup"):
            cells = best_cells(maps)
            reasons = [self._why_not_found(phrase, cell, threshold) for phrase, cell in zip(distinct, cells, strict=True)]
            found = [number for number, reason in enumerate(reasons) if reason is None]
        made = {n: self._device_mask(distinct[n], cells[n]) for n in found}
        asked = [n for n in found if made[n] is None]
        logits = self._logits([distinct[n] for n in asked], [[cells[n].index] for n in asked])
        masks = {**made, **{n: channels[0] for n, channels in zip(asked, logits, strict=True)}}
        answers = {
            phrase.key: PhraseAnswer(cells[n], maps[n], masks.get(n), reasons[n], threshold) for n, phrase in enumerate(distinct)
        }
        return self.segmentations(phrases, answers)

    def _find_all(self, phrase: EncodedPhrase, threshold: float) -> SegmentationSet:
        identifying_map = self.identify([phrase])[0]
        with self.stopwatch.step("lookup"):
            cell = best_cells(identifying_map[None])[0]
            reason = self._why_not_found(phrase, cell, threshold)
            cells = [] if reason else peaks(identifying_map, identifying_map.size, threshold)
        if reason:
            answer = PhraseAnswer(cell, identifying_map, None, reason, threshold)
            return SegmentationSet(self.segmentations([phrase], {phrase.key: answer})[0], ())
        logits = np.array(self._logits([phrase], [[peak.index for peak in cells]])[0])
        each = [PhraseAnswer(peak, identifying_map, mask, None, threshold) for peak, mask in zip(cells, logits, strict=True)]
        results = [self.segmentations([phrase], {phrase.key: answer})[0] for answer in each]
        objects = distinct_objects([replace(one, rivals=()) for one in results if one.found])
        return SegmentationSet(results[0], objects)

    def _why_not_found(self, phrase: EncodedPhrase, cell: Cell, threshold: float) -> NotFoundReason | None:
        return self.why_refused(phrase) or (None if cell.score >= threshold else NotFoundReason.BELOW_THRESHOLD)

    @cached_property
    def _contrast(self) -> bool:
        return has_contrast(self.letterboxed[0][self.letterbox.window])

    def _encode(self, phrases: Sequence[str | EncodedPhrase]) -> list[EncodedPhrase]:
        return [phrase if isinstance(phrase, EncodedPhrase) else self.encode(phrase) for phrase in phrase_list(phrases)]

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
            known = self._at_once.logits_of([phrase.key for phrase in phrases], indices) if self._at_once else None
            if known is not None:
                return known
            self._read(phrases)
            vectors = np.array([self._vectors[phrase.key] for phrase in phrases])
            outputs = self._network.mask(
                frame=self.letterboxed, **self._visual_maps, phrases=vectors, cells=indices.astype(np.int32)
            )
            return check_finite("mask", "masks", np.asarray(outputs["masks"]))

    def _device_mask(self, phrase: EncodedPhrase, cell: Cell) -> DeviceMask | None:
        return self._at_once.device_mask_of(phrase.key, cell.index) if self._at_once else None

    def _restore(self, logits: np.ndarray | DeviceMask, cell: Cell) -> _Restored:
        """Keep the mask's piece at the cell, and bring it to the frame's size."""
        level = logit_of(self._network.mask_threshold)
        row, column = self._centre(cell.row, cell.column)
        point = column - self.letterbox.left, row - self.letterbox.top
        if isinstance(logits, DeviceMask):
            others, pieces = other_pieces(logits.window, point)
            if others is None:
                return _Restored(logits.frame, box_of(logits.frame), pieces)
            self._check_current()
            logits = logits.logits()
        kept, pieces = keep_piece(logits[self.letterbox.window], level, point)
        mask, part = self.letterbox.mask_above(kept, level)
        return _Restored(mask, box_of(mask, part), pieces)

    def _rivals(self, answer: PhraseAnswer, one: _Restored) -> tuple[Rival, ...]:
        """Return the rivals of an answer, without peaks beside its cell within its mask: a large object may raise two."""
        rivals = rivals_of(answer.cell, answer.identifying_map, answer.threshold)
        return tuple(rival for rival in rivals if not (rival.is_beside(answer.cell) and self._is_inside(one.mask, rival)))

    def _is_inside(self, mask: np.ndarray, rival: Rival) -> bool:
        x, y = self.letterbox.points_to_frame(np.array(self._centre(*rival.cell)[::-1]))
        return bool(0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[int(y), int(x)])

    def _centre(self, row: int, column: int) -> tuple[float, float]:
        """The centre of a cell in the network's input: its row and column in pixels."""
        height, width = self.letterboxed.shape[1:3]
        return (row + 0.5) * height / self._network.grid, (column + 0.5) * width / self._network.grid

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


def phrase_list(phrases: Any) -> Any:
    """Return several phrases, which are not one text: its letters would be taken for phrases.

    Raises:
        PhraseError: they are a text, or cannot be iterated over.
    """
    if isinstance(phrases, str | bytes) or not isinstance(phrases, Iterable):
        raise PhraseError(f"The phrases are {shown(phrases)}; expected a list of phrases, such as ['the red mug'].")
    return phrases


def check_threshold(threshold: float) -> float:
    """Return a threshold that is a probability.

    Raises:
        IsfpError: it is not from 0 to 1.
    """
    return number_between("The threshold", threshold, 0, 1, "a score from 0 to 1, or None for the default")
