"""What `isfp::FPMScan` means, in plain NumPy: slow, cell by cell, and the judge of every other implementation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TANH = 0
LEAKY_RELU = 1

# (row step, column step) of a direction: D = down, U = up, R = right, L = left.
DR, UL, DL, UR = (1, 1), (-1, -1), (1, -1), (-1, 1)
PATHS = ((DR, UL), (UL, DR), (DL, UR), (UR, DL))


def fpm_scan(
    isf: NDArray[np.floating],
    w1: NDArray[np.floating],
    w2: NDArray[np.floating],
    alpha: float,
    activation: int,
    slope: float,
) -> NDArray[np.floating]:
    """Feature Propagation Module of the paper (III-C, Eq. 2 and 3, Fig. 5): four paths of two directions each.

    Args:
        isf: Instance-Specific Features `[P,S,S,C]`.
        w1: weights of the first direction of each path `[4,C,C]`, `[in, out]`.
        w2: weights of each path and direction `[4,2,C,C]`, `[in, out]`.
        alpha: the forget rate of Eq. 2.
        activation: 0 for tanh, 1 for leaky ReLU.
        slope: negative slope of the leaky ReLU; unused by tanh.

    Returns:
        ISFs plus the sum of the four paths' last hidden states `[P,S,S,C]`: float64 if an input is, else float32.

    Raises:
        ValueError: if a shape or the activation is not as stated above.
    """
    _check(isf, w1, w2, activation)
    dtype = np.result_type(isf, w1, w2, np.float32)
    isf, w1, w2 = (array.astype(dtype) for array in (isf, w1, w2))
    out = isf.copy()
    for path, (first, second) in enumerate(PATHS):
        hidden = _scan(isf @ w1[path], w2[path, 0], first, alpha, activation, slope)
        out += _scan(hidden, w2[path, 1], second, alpha, activation, slope)
    return out


def _scan(
    v: NDArray[np.floating],
    w2: NDArray[np.floating],
    direction: tuple[int, int],
    alpha: float,
    activation: int,
    slope: float,
) -> NDArray[np.floating]:
    """One direction: h[i,j] = act(v[i,j] + alpha * (sum of incoming h) @ w2), `[P,S,S,C]` -> `[P,S,S,C]`."""
    down, right = direction
    size = v.shape[1]
    hidden = np.zeros_like(v)
    for i in range(size)[::down]:
        for j in range(size)[::right]:
            incoming = np.zeros_like(v[:, i, j])
            for row, column in ((i - down, j), (i, j - right), (i - down, j - right)):
                if 0 <= row < size and 0 <= column < size:
                    incoming += hidden[:, row, column]
            hidden[:, i, j] = _activate(v[:, i, j] + v.dtype.type(alpha) * (incoming @ w2), activation, slope)
    return hidden


def _activate(x: NDArray[np.floating], activation: int, slope: float) -> NDArray[np.floating]:
    if activation == TANH:
        return np.tanh(x)
    return np.where(x >= 0, x, x.dtype.type(slope) * x)


def _check(isf: NDArray[np.floating], w1: NDArray[np.floating], w2: NDArray[np.floating], activation: int) -> None:
    if isf.ndim != 4 or isf.shape[1] != isf.shape[2]:
        raise ValueError(f"isf has shape {isf.shape}, expected [P,S,S,C]: pass a square grid, channels last")
    channels = isf.shape[3]
    for name, array, expected in (("w1", w1, (4, channels, channels)), ("w2", w2, (4, 2, channels, channels))):
        if array.shape != expected:
            raise ValueError(f"{name} has shape {array.shape}, expected {expected} for isf with {channels} channels")
    if activation not in (TANH, LEAKY_RELU):
        raise ValueError(f"activation is {activation}, expected {TANH} (tanh) or {LEAKY_RELU} (leaky ReLU)")
