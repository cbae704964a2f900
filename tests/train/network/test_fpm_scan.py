"""The scan by anti-diagonals means what the cell-by-cell reference means, in value and gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from isfp_train.network.fpm_scan import _kept_order, diagonal_order, fpm_scan
from isfp_train.network.propagation import FeaturePropagation

DIRECTIONS = {"DR": (1, 1), "UL": (-1, -1), "DL": (1, -1), "UR": (-1, 1)}
PATHS = (("DR", "UL"), ("UL", "DR"), ("DL", "UR"), ("UR", "DL"))


def cell_by_cell(isf: Tensor, w1: Tensor, w2: Tensor, alpha: float, activation: str, slope: float) -> Tensor:
    """Eq. 2 and 3 as they stand, with gradients."""
    size = isf.shape[1]
    total = isf
    for path, directions in enumerate(PATHS):
        values = isf @ w1[path]
        for turn, name in enumerate(directions):
            down, right = DIRECTIONS[name]
            state: dict[tuple[int, int], Tensor] = {}
            for i in range(size)[::down]:
                for j in range(size)[::right]:
                    neighbours = [(i - down, j), (i, j - right), (i - down, j - right)]
                    incoming = [state[cell] for cell in neighbours if cell in state]
                    here = values[:, i, j]
                    if incoming:
                        here = here + alpha * sum(incoming) @ w2[path, turn]
                    state[i, j] = torch.tanh(here) if activation == "tanh" else torch.nn.functional.leaky_relu(here, slope)
            values = torch.stack([torch.stack([state[i, j] for j in range(size)], 1) for i in range(size)], 1)
        total = total + values
    return total


@pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])
@pytest.mark.parametrize(("size", "phrases"), [(1, 1), (2, 3), (5, 2)])
def test_value_and_gradient_equal_the_cell_by_cell_reference(size: int, phrases: int, activation: str) -> None:
    torch.manual_seed(size)
    channels = 6
    inputs = [
        torch.randn(phrases, size, size, channels, dtype=torch.float64, requires_grad=True),
        (torch.randn(4, channels, channels, dtype=torch.float64) / 3).requires_grad_(),
        (torch.randn(4, 2, channels, channels, dtype=torch.float64) / 3).requires_grad_(),
    ]
    fast = fpm_scan(*inputs, 0.5, activation, 0.1)
    slow = cell_by_cell(*inputs, 0.5, activation, 0.1)
    torch.testing.assert_close(fast, slow)
    weights = torch.randn_like(fast)
    needed = inputs if size > 1 else inputs[:2]  # one cell has no neighbour, so W2 has no part in it
    for one, other in zip(
        torch.autograd.grad((fast * weights).sum(), needed), torch.autograd.grad((slow * weights).sum(), needed), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_every_cell_hears_of_every_other() -> None:
    torch.manual_seed(0)
    module = FeaturePropagation(8, alpha=0.5, activation="tanh", slope=0.1)
    isf = torch.randn(1, 8, 5, 5, requires_grad=True)
    for i, j in ((0, 0), (2, 3), (4, 4)):
        (gradient,) = torch.autograd.grad(module.propagate(isf)[0, :, i, j].sum(), isf)
        assert (gradient.abs().sum(dim=1) > 0).all()


def test_mirroring_the_map_and_the_paths_mirrors_the_result() -> None:
    torch.manual_seed(1)
    isf, w1, w2 = torch.randn(1, 4, 4, 3), torch.randn(4, 3, 3) / 2, torch.randn(4, 2, 3, 3) / 2
    mirrored = [2, 3, 0, 1]  # left and right change places: DR <-> DL, UL <-> UR
    ours = fpm_scan(isf.flip(2), w1[mirrored], w2[mirrored], 0.5, "tanh")
    torch.testing.assert_close(ours.flip(2), fpm_scan(isf, w1, w2, 0.5, "tanh"))


def test_tanh_keeps_the_states_within_four_of_the_input_whatever_the_weights() -> None:
    isf = torch.randn(1, 13, 13, 4)
    out = fpm_scan(isf, torch.randn(4, 4, 4) * 100, torch.randn(4, 2, 4, 4) * 100, 1.0, "tanh")
    assert (out - isf).abs().max() <= 4


def numbers(size: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.randn(1, size, size, 4), torch.randn(4, 4, 4), torch.randn(4, 2, 4, 4)


def test_the_order_is_put_on_the_device_once() -> None:
    _kept_order.cache_clear()
    for _ in range(3):
        fpm_scan(*numbers(6), 0.5, "tanh")
    assert _kept_order.cache_info().misses == 1


def test_the_order_that_inference_put_there_serves_training() -> None:
    _kept_order.cache_clear()
    with torch.inference_mode():
        expected = fpm_scan(*numbers(6), 0.5, "tanh")
    isf, w1, w2 = numbers(6)
    found = fpm_scan(isf.requires_grad_(), w1, w2, 0.5, "tanh")
    found.sum().backward()
    torch.testing.assert_close(found.detach(), expected.clone())


def test_tracing_leaves_nothing_behind() -> None:
    _kept_order.cache_clear()
    inputs = numbers(6)
    traced = make_fx(lambda *values: fpm_scan(*values, 0.5, "tanh"), tracing_mode="fake")(*inputs)
    assert _kept_order.cache_info().currsize == 0
    torch.testing.assert_close(traced(*inputs), fpm_scan(*inputs, 0.5, "tanh"))


def test_orders_and_inverses_undo_each_other() -> None:
    for order, inverse in zip(*diagonal_order(4), strict=True):
        assert sorted(order) == list(range(16))
        assert [order[place] for place in inverse] == list(range(16))
