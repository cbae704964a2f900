"""Results: a Segmentation for each phrase, and Candidates for the other objects that it might mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from isfp.steps.notes import result_notes
from isfp.steps.rivals import Rival
from isfp.steps.verdict import NotFoundReason

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What one phrase means in one frame.

    Attributes:
        text: the phrase.
        found: whether the object is in the frame: its score reaches the threshold, its mask is not empty, and nothing else speaks
            against it; see `reason`.
        score: the identifying map's highest probability, 0 to 1.
        mask: the object's pixels, bool `[h,w]` at the frame's own size; all False if it was not found. If the mask was in several
            large pieces, only the one at the cell, or nearest to it.
        box: the mask's tight box (x1, y1, x2, y2) in the frame's pixels, right and lower ends exclusive; None if the object was
            not found.
        cell: row i and column j of the identifying map's best cell.
        identifying_map: probabilities float32 `[S,S]` over the letterboxed frame: where the object's centre is.
        unknown_words: words of the phrase that the network does not know.
        cut_words: words of the phrase past the network's limit, which it did not read.
        frame_size: the frame's height and width, pixels.
        milliseconds: time of each step that led to this result, and their sum as `total`. Phrases that were asked together share
            it, and everything asked of one view shares its first two steps, `frame` and `image`.
        suggestions: unknown word -> the known word that was probably meant, for those that look mistyped.
        reason: why the object was not found; None if it was.
        pieces: how many large pieces the mask was in, before all but one were dropped; 0 if the object was not found. More than 1
            means that the mask showed several objects, or that the object is partly hidden.
        rivals: other objects that score about as high (`rivals.RIVAL_SHARE`), best first; empty if the object was not found. For
            their masks ask `View.candidates`, or `View.find` with `several`.
    """

    text: str
    found: bool
    score: float
    mask: np.ndarray = field(repr=False)
    box: Box | None
    cell: tuple[int, int]
    identifying_map: np.ndarray = field(repr=False)
    unknown_words: tuple[str, ...]
    cut_words: tuple[str, ...] = field(repr=False)
    frame_size: tuple[int, int]
    milliseconds: dict[str, float] = field(repr=False)
    suggestions: dict[str, str] = field(default_factory=dict, repr=False)
    reason: NotFoundReason | None = None
    pieces: int = field(default=0, repr=False)
    rivals: tuple[Rival, ...] = field(default=(), repr=False)

    @property
    def ambiguous(self) -> bool:
        """Whether the choice is in doubt, because other objects score about as high."""
        return bool(self.rivals)

    @property
    def notes(self) -> list[str]:
        """What a person should know about the result, in words: why it was not found, unknown words, doubts."""
        return result_notes(self)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; the mask as COCO's run lengths, which pycocotools reads."""
        return {
            "text": self.text,
            "found": self.found,
            "reason": self.reason.value if self.reason else None,
            "score": round(self.score, 4),
            "box": list(self.box) if self.box else None,
            "pixels": int(np.count_nonzero(self.mask)),
            "pieces": self.pieces,
            "mask": {"size": list(self.frame_size), "counts": run_lengths(self.mask)},
            "cell": list(self.cell),
            "ambiguous": self.ambiguous,
            "rivals": [{"cell": list(rival.cell), "score": round(rival.score, 4)} for rival in self.rivals],
            "unknown_words": list(self.unknown_words),
            "suggestions": dict(self.suggestions),
            "cut_words": list(self.cut_words),
            "notes": self.notes,
            "frame_size": list(self.frame_size),
            "milliseconds": {step: round(value, 3) for step, value in self.milliseconds.items()},
        }


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the objects that a phrase might mean.

    Attributes:
        score: the identifying map's probability at its cell, 0 to 1; no threshold was applied.
        mask: its pixels, bool `[h,w]` at the frame's own size.
        box: the mask's tight box (x1, y1, x2, y2), right and lower ends exclusive; None if the mask is empty.
        cell: row i and column j of its cell.
        pieces: how many large pieces the mask was in; only the one at the cell, or nearest to it, is in `mask`.
    """

    score: float
    mask: np.ndarray = field(repr=False)
    box: Box | None
    cell: tuple[int, int]
    pieces: int = field(default=1, repr=False)


def box_of(mask: np.ndarray, within: tuple[slice, slice] = (slice(0, None), slice(0, None))) -> Box | None:
    """Return the tight box (x1, y1, x2, y2) of a mask, right and lower ends exclusive; None if it is empty.

    Args:
        mask: bool `[h,w]`.
        within: rows and columns outside of which it is False.
    """
    part = np.ascontiguousarray(mask[within])
    x, y, width, height = cv2.boundingRect(part.view(np.uint8)) if part.size else (0, 0, 0, 0)
    x, y = x + within[1].start, y + within[0].start
    return (x, y, x + width, y + height) if width else None


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return a mask's run lengths as COCO counts them: down the columns, starting with False."""
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
