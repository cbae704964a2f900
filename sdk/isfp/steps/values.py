"""Checks of the values that the network returns, once, before anything is decided by them.

A comparison with NaN is False, so that an unchecked NaN would pass for a score above every threshold.
"""

from __future__ import annotations

import numpy as np

from isfp.errors import RuntimeFailedError

#: How far a probability may lie outside of 0 to 1 by rounding; it is clipped.
ROUNDING = 1e-4


def check_probabilities(maps: np.ndarray) -> np.ndarray:
    """Return identifying maps `[P,S,S]` whose values are all from 0 to 1.

    Raises:
        RuntimeFailedError: a value is not finite, or out of range.
    """
    if not maps.size:
        return maps
    low, high = float(maps.min()), float(maps.max())  # both are NaN if a value is
    if low >= 0 and high <= 1:
        return maps
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return np.clip(maps, 0, 1)
    raise _failed("identify", "identifying", maps, f"values from {low:g} to {high:g}", "probabilities from 0 to 1")


def check_finite(stage: str, name: str, values: np.ndarray) -> np.ndarray:
    """Return a stage's output if its values are all finite.

    Raises:
        RuntimeFailedError: a value is NaN or infinite.
    """
    if np.isfinite(values).all():
        return values
    count = int(values.size - np.isfinite(values).sum())
    raise _failed(stage, name, values, f"{count} values that are NaN or infinite", "finite numbers")


def _failed(stage: str, name: str, values: np.ndarray, found: str, expected: str) -> RuntimeFailedError:
    return RuntimeFailedError(
        f"The stage {stage!r} returned {name} {list(values.shape)} with {found}; expected {expected}. The weights or the engine "
        "are damaged, or a half-precision engine overflowed: try runtime='onnxruntime', and build the engine again."
    )
