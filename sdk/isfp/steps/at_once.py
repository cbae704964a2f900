"""What the stage `find` computes: image, identifying maps, cells and masks of a frame in one run, for phrases that are expected.

The cells that it chose are not relied on: a mask is used only for the cell that the SDK's lookup chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isfp.steps.values import check_probabilities


@dataclass(frozen=True, eq=False)
class AtOnce:
    """The outputs of `find` for some phrases; masks are valid until the stage runs again.

    Attributes:
        keys: the phrases' keys.
        vectors: the phrases' vectors, float32 `[P,C]`.
        identifying: probabilities `[P,S,S]`.
        cells: the cell of each mask, int32 `[P,1]`.
        masks: logits of these cells' masks, `[P,1,H,W]`.
    """

    keys: tuple[bytes, ...]
    vectors: np.ndarray
    identifying: np.ndarray
    cells: np.ndarray
    masks: np.ndarray

    @classmethod
    def from_outputs(cls, keys: Sequence[bytes], vectors: np.ndarray, outputs: Mapping[str, Any]) -> AtOnce:
        """Take the outputs of a run for phrases with these keys and vectors.

        Raises:
            RuntimeFailedError: an identifying map has values that are no probabilities.
        """
        maps = check_probabilities(np.array(outputs["identifying"]))
        return cls(tuple(keys), vectors, maps, np.array(outputs["cells"]), np.asarray(outputs["masks"]))

    def masks_of(self, keys: Sequence[bytes], cells: np.ndarray) -> np.ndarray | None:
        """Return the logits `[P,1,H,W]` of one cell of each phrase, or None if one of these masks was not computed.

        Args:
            keys: the phrases' keys.
            cells: whole numbers `[P,K]`.
        """
        if cells.shape[1] != 1 or not set(keys) <= set(self.keys):
            return None
        rows = [self.keys.index(key) for key in keys]
        if not np.array_equal(self.cells[rows], cells):
            return None
        return self.masks if rows == list(range(len(self.keys))) else self.masks[rows]
