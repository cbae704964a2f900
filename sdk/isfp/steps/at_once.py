"""What the stage `find` computes: image, identifying maps, cells and masks of a frame in one run, for phrases that are expected.

The cells that it chose are not relied on: a mask is used only for the cell that the SDK's lookup chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isfp.steps.values import check_finite, check_probabilities


@dataclass(frozen=True, eq=False)
class DeviceMask:
    """A mask that was made on the device, and the logits there.

    Attributes:
        frame: bool `[h,w]`, at the frame's size.
        window: bool `[height,width]`, in the network's input without padding.
        logits: copies the logits `[H,W]` from the device; valid until the stage runs again.
    """

    frame: np.ndarray
    window: np.ndarray
    logits: Callable[[], np.ndarray]


@dataclass(frozen=True, eq=False)
class AtOnce:
    """The outputs of `find` for some phrases; logits are valid until the stage runs again.

    Attributes:
        keys: the phrases' keys.
        vectors: the phrases' vectors, float32 `[P,C]`.
        identifying: probabilities `[P,S,S]`.
        cells: the cell of each mask, int32 `[P,1]`.
        logits: logits of these cells' masks, `[P,1,H,W]`, on the device or the host.
        frame_masks: bool `[P,h,w]` and
        window_masks: bool `[P,height,width]`, as in `DeviceMask`, where the runtime makes them on the device.
    """

    keys: tuple[bytes, ...]
    vectors: np.ndarray
    identifying: np.ndarray
    cells: np.ndarray
    logits: Any
    frame_masks: np.ndarray | None = None
    window_masks: np.ndarray | None = None

    @classmethod
    def from_outputs(cls, keys: Sequence[bytes], vectors: np.ndarray, outputs: Mapping[str, Any]) -> AtOnce:
        """Take the outputs of a run for phrases with these keys and vectors.

        Raises:
            RuntimeFailedError: an identifying map has values that are no probabilities.
        """
        maps = check_probabilities(np.array(outputs["identifying"]))
        made = outputs.get("frame_masks"), outputs.get("window_masks")
        return cls(tuple(keys), vectors, maps, np.array(outputs["cells"]), outputs["masks"], *made)

    def logits_of(self, keys: Sequence[bytes], cells: np.ndarray) -> np.ndarray | None:
        """Return the logits `[P,1,H,W]` of one cell of each phrase, or None if one of these masks was not computed.

        Args:
            keys: the phrases' keys.
            cells: whole numbers `[P,K]`.

        Raises:
            RuntimeFailedError: a logit is not finite.
        """
        rows = self._rows(keys, cells)
        if rows is None:
            return None
        logits = check_finite("find", "masks", np.asarray(self.logits))
        return logits if rows == list(range(len(self.keys))) else logits[rows]

    def device_mask_of(self, key: bytes, cell: int) -> DeviceMask | None:
        """Return a phrase's mask for a cell if it was made on the device."""
        rows = self._rows([key], np.array([[cell]]))
        if rows is None or self.frame_masks is None or self.window_masks is None:
            return None
        row = rows[0]

        def logits() -> np.ndarray:
            return check_finite("find", "masks", np.asarray(self.logits))[row, 0]

        return DeviceMask(self.frame_masks[row], self.window_masks[row], logits)

    def _rows(self, keys: Sequence[bytes], cells: np.ndarray) -> list[int] | None:
        if cells.shape[1] != 1 or not set(keys) <= set(self.keys):
            return None
        rows = [self.keys.index(key) for key in keys]
        return rows if np.array_equal(self.cells[rows], cells) else None
