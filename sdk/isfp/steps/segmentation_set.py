"""Several objects for one phrase: "the mugs" means each mug in the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from isfp.steps.result import Segmentation
from isfp.steps.verdict import NotFoundReason

#: Two masks that share more than this part of the smaller one show the same object.
SAME = 0.5


@dataclass(frozen=True, eq=False)
class SegmentationSet(Sequence[Segmentation]):
    """All objects that one phrase means in one frame, best first; empty if there are none.

        for mug in segmenter.run(frame, "the mugs", several=True):
            print(mug.score, mug.box)

    Each object is a `Segmentation` with its own score, mask, box and cell. They come from peaks of the same identifying map, which
    reach the threshold, and have no rivals.

    Attributes:
        best: what `find` returns without `several`: the verdict, with its reason if nothing was found, and the identifying map.
        objects: the objects.
    """

    best: Segmentation
    objects: tuple[Segmentation, ...]

    @property
    def text(self) -> str:
        """The phrase."""
        return self.best.text

    @property
    def found(self) -> bool:
        """Whether there is any object."""
        return bool(self.objects)

    @property
    def reason(self) -> NotFoundReason | None:
        """Why there is none; None if there is one."""
        return self.best.reason

    @property
    def mask(self) -> np.ndarray:
        """The pixels of all objects together, bool `[h,w]`, a new array."""
        mask = np.zeros(self.best.frame_size, bool)
        for one in self.objects:
            mask |= one.mask
        return mask

    @overload
    def __getitem__(self, index: int) -> Segmentation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Segmentation, ...]: ...

    def __getitem__(self, index: int | slice) -> Segmentation | tuple[Segmentation, ...]:
        return self.objects[index]

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def shown(self) -> tuple[Segmentation, ...]:
        """What to draw: the objects, or the verdict if there are none."""
        return self.objects or (self.best,)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values: `Segmentation.to_json` of the best, and of each object what differs, as `objects`."""
        objects = [one.to_json() for one in self.objects]
        differing = ("score", "box", "pixels", "pieces", "mask", "cell")
        return {**self.best.to_json(), "objects": [{key: one[key] for key in differing} for one in objects]}


def distinct_objects(objects: Sequence[Segmentation]) -> tuple[Segmentation, ...]:
    """Drop objects whose mask shows the same object as that of a better one.

    Args:
        objects: best first, each with a mask that is not empty.
    """
    kept: list[Segmentation] = []
    for one in objects:
        if not any(_same(one.mask, other.mask) for other in kept):
            kept.append(one)
    return tuple(kept)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    smaller = min(np.count_nonzero(one), np.count_nonzero(other))
    return bool(np.count_nonzero(one & other) > SAME * smaller)
