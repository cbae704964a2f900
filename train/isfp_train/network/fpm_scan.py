"""The scan of the Feature Propagation Module (paper III-C, Eq. 2 and 3), by anti-diagonals, all four paths at once.

Cells on one anti-diagonal do not depend on each other, so a direction takes 2S - 1 steps instead of S². Each path is flipped so
that its first direction runs down and right; then all four paths take each step in one batched product. In diagonal order the
second direction of a path is the first one in reverse.

The scan is registered as an operator, `torch.ops.isfp.fpm_scan`, so that an export contains one node instead of hundreds. The
operator is a composite of other operators, which provide its gradients and precisions.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from isfp.engines.fpm import DOMAIN

ACTIVATIONS = ("tanh", "leaky_relu")  # in the order of the operator's `activation` attribute (docs/architecture.md)
# Path p starts in this direction and returns in the opposite one: (flip rows, flip columns) turns it into down and right.
FIRST_DIRECTIONS = {"DR": (False, False), "UL": (True, True), "DL": (False, True), "UR": (True, False)}


@cache
def diagonal_order(size: int) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Cell indices (i·S + j) of each path in scan order, `[4][S²]`, and their inverses, `[4][S²]`."""
    cells = sorted(((i, j) for i in range(size) for j in range(size)), key=lambda cell: (cell[0] + cell[1], cell[0]))
    orders, inverses = [], []
    for flip_rows, flip_columns in FIRST_DIRECTIONS.values():
        order = [(size - 1 - i if flip_rows else i) * size + (size - 1 - j if flip_columns else j) for i, j in cells]
        inverse = [0] * len(order)
        for place, cell in enumerate(order):
            inverse[cell] = place
        orders.append(tuple(order))
        inverses.append(tuple(inverse))
    return tuple(orders), tuple(inverses)


def diagonal_rows(size: int, diagonal: int) -> tuple[int, int]:
    """First row and one past the last row of an anti-diagonal."""
    return max(0, diagonal - size + 1), min(diagonal, size - 1) + 1


def fpm_scan(isf: Tensor, w1: Tensor, w2: Tensor, alpha: float, activation: str, slope: float = 0.1) -> Tensor:
    """Propagate ISFs over the four bidirectional paths, and add their final states to the input.

    Args:
        isf: Instance-Specific Features `[P,S,S,C]`.
        w1: W1 of the first direction of each path `[4,C,C]`, `[in, out]` (Eq. 3).
        w2: W2 of each path and direction `[4,2,C,C]`, `[in, out]` (Eq. 2).
        alpha: forget rate α of Eq. 2.
        activation: "tanh" or "leaky_relu".
        slope: negative slope of the leaky ReLU.

    Returns:
        `[P,S,S,C]`.
    """
    return torch.ops.isfp.fpm_scan(isf, w1, w2, alpha, activation, slope)


def _fpm_scan(isf: Tensor, w1: Tensor, w2: Tensor, alpha: float, activation: str, slope: float) -> Tensor:
    count, size, _, channels = isf.shape
    cells = isf.reshape(count, size * size, channels).transpose(0, 1)  # [S²,P,C]
    # What a compiler or an export traces with must not be kept, as it holds no numbers.
    order, inverse = _kept_order(size, isf.device) if type(isf) is Tensor else _order_on(size, isf.device)

    values = cells[order]  # [4,S²,P,C]
    values = (values.reshape(4, -1, channels) @ w1).reshape(values.shape)
    hidden = _direction(values, w2[:, 0], size, alpha, activation, slope)
    hidden = _direction(hidden.flip(1), w2[:, 1], size, alpha, activation, slope).flip(1)

    total = cells + sum(hidden[path][inverse[path]] for path in range(4))
    return total.transpose(0, 1).reshape(isf.shape)


def _order_on(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """`diagonal_order` on a device."""
    order, inverse = (torch.tensor(indices, device=device) for indices in diagonal_order(size))
    return order, inverse


@cache
def _kept_order(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The same, once for all calls: a copy to a GPU waits for it, and cannot be captured in a CUDA graph."""
    with torch.inference_mode(False):  # or training could not use what inference made
        return _order_on(size, device)


def _direction(values: Tensor, weights: Tensor, size: int, alpha: float, activation: str, slope: float) -> Tensor:
    """One direction of the four paths: `[4,S²,P,C]` in diagonal order and W2 `[4,C,C]` -> hidden states `[4,S²,P,C]`."""
    paths, _, count, channels = values.shape
    lengths = [last - first for first, last in (diagonal_rows(size, d) for d in range(2 * size - 1))]
    states: list[Tensor] = []
    for diagonal, value in enumerate(values.split(lengths, dim=1)):
        state = value
        if diagonal:
            rows = diagonal_rows(size, diagonal)
            incoming = _shifted(states[-1], diagonal_rows(size, diagonal - 1), rows, 0)  # beside: (i, j-1)
            incoming = incoming + _shifted(states[-1], diagonal_rows(size, diagonal - 1), rows, 1)  # above: (i-1, j)
            if diagonal > 1:
                incoming = incoming + _shifted(states[-2], diagonal_rows(size, diagonal - 2), rows, 1)  # (i-1, j-1)
            state = value + alpha * (incoming.reshape(paths, -1, channels) @ weights).reshape(value.shape)
        states.append(torch.tanh(state) if activation == "tanh" else functional.leaky_relu(state, slope))
    return torch.cat(states, dim=1)


def _shifted(state: Tensor, has: tuple[int, int], wants: tuple[int, int], up: int) -> Tensor:
    """Row i - up of `state`, which holds rows `has`, for each row i in `wants`; zeros outside the grid."""
    first, last = wants[0] - up, wants[1] - up
    before, after = max(0, has[0] - first), max(0, last - has[1])
    inside = state[:, max(first, has[0]) - has[0] : min(last, has[1]) - has[0]]
    return functional.pad(inside, (0, 0, 0, 0, before, after)) if before or after else inside


_LIBRARY = torch.library.Library(DOMAIN, "DEF")  # the operator lives as long as this object
_LIBRARY.define("fpm_scan(Tensor isf, Tensor w1, Tensor w2, float alpha, str activation, float slope) -> Tensor")
_LIBRARY.impl("fpm_scan", _fpm_scan, "CompositeImplicitAutograd")
