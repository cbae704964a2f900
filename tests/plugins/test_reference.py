"""The NumPy reference of `isfp::FPMScan`, held against cases that a person can work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fpm_scan.reference import LEAKY_RELU, TANH, fpm_scan

IDENTITY = 1.0  # a leaky ReLU of slope 1 changes nothing, so results are sums of path counts


def one_channel(values: object, w1: object, w2: object, alpha: float = 1.0) -> np.ndarray:
    grid = np.asarray(values, np.float64)[None, ..., None]
    first = np.asarray(w1, np.float64).reshape(4, 1, 1)
    both = np.asarray(w2, np.float64).reshape(4, 2, 1, 1)
    return fpm_scan(grid, first, both, alpha, LEAKY_RELU, IDENTITY)[0, ..., 0]


def random_inputs(phrases: int, size: int, channels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scale = channels**-0.5
    return (
        rng.standard_normal((phrases, size, size, channels)),
        rng.standard_normal((4, channels, channels)) * scale,
        rng.standard_normal((4, 2, channels, channels)) * scale,
    )


def corner(row: int, column: int) -> np.ndarray:
    grid = np.zeros((3, 3))
    grid[row, column] = 1.0
    return grid


DELANNOY = np.array([[1.0, 1, 1], [1, 3, 5], [1, 5, 13]])  # ways from corner to cell with steps right, down, diagonal


@pytest.mark.parametrize(
    ("path", "start", "reached"),
    [
        (0, (0, 0), DELANNOY),
        (1, (2, 2), DELANNOY[::-1, ::-1]),
        (2, (0, 2), DELANNOY[:, ::-1]),
        (3, (2, 0), DELANNOY[::-1]),
    ],
    ids=["DR", "UL", "DL", "UR"],
)
def test_first_direction_spreads_from_its_corner(path: int, start: tuple[int, int], reached: np.ndarray) -> None:
    only = np.eye(4)[path]
    grid = corner(*start)
    out = one_channel(grid, only, [[weight, 0.0] for weight in only])
    np.testing.assert_array_equal(out, grid + reached)


@pytest.mark.parametrize(
    ("path", "start", "reached"),
    [
        (0, (2, 2), DELANNOY[::-1, ::-1]),
        (1, (0, 0), DELANNOY),
        (2, (2, 0), DELANNOY[::-1]),
        (3, (0, 2), DELANNOY[:, ::-1]),
    ],
    ids=["UL", "DR", "UR", "DL"],
)
def test_second_direction_runs_back(path: int, start: tuple[int, int], reached: np.ndarray) -> None:
    only = np.eye(4)[path]
    grid = corner(*start)
    out = one_channel(grid, only, [[0.0, weight] for weight in only])
    np.testing.assert_array_equal(out, grid + reached)


def test_alpha_scales_each_step() -> None:
    out = one_channel(corner(0, 0), [1, 0, 0, 0], [[1, 0], [0, 0], [0, 0], [0, 0]], alpha=0.5)
    # A way of k steps weighs 0.5^k: to (1,1) there are two of 2 steps and one of 1 step.
    assert out[0, 1] == 0.5
    assert out[1, 1] == 0.5 + 2 * 0.25


def test_weights_are_in_by_out() -> None:
    isf = np.zeros((1, 1, 1, 2))
    isf[..., 0] = 1.0
    w1 = np.zeros((4, 2, 2))
    w1[0, 0, 1] = 3.0
    out = fpm_scan(isf, w1, np.zeros((4, 2, 2, 2)), 1.0, LEAKY_RELU, IDENTITY)
    np.testing.assert_array_equal(out[0, 0, 0], [1.0, 3.0])


def test_activation_is_applied_in_both_directions() -> None:
    isf, w1, _ = random_inputs(1, 1, 8)
    no_w2 = np.zeros((4, 2, 8, 8))
    v = np.einsum("xyzi,pio->pxyzo", isf, w1)
    expected = isf + np.tanh(np.tanh(v)).sum(0)
    np.testing.assert_allclose(fpm_scan(isf, w1, no_w2, 1.0, TANH, 0.0), expected, rtol=1e-12)
    leaky = np.where(v < 0, 0.01 * v, v)
    np.testing.assert_allclose(fpm_scan(isf, w1, no_w2, 1.0, LEAKY_RELU, 0.1), isf + leaky.sum(0), rtol=1e-12)


def test_turning_the_grid_upside_down_swaps_the_paths() -> None:
    isf, w1, w2 = random_inputs(2, 5, 3)
    turned = [1, 0, 3, 2]  # half a turn: DR <-> UL and DL <-> UR
    expected = fpm_scan(isf, w1, w2, 0.3, TANH, 0.0)
    out = fpm_scan(isf[:, ::-1, ::-1], w1[turned], w2[turned], 0.3, TANH, 0.0)
    np.testing.assert_allclose(out[:, ::-1, ::-1], expected, rtol=1e-12)


def test_phrases_do_not_touch_each_other() -> None:
    isf, w1, w2 = random_inputs(3, 4, 5)
    whole = fpm_scan(isf, w1, w2, 0.5, LEAKY_RELU, 0.1)
    for phrase in range(3):
        np.testing.assert_allclose(fpm_scan(isf[phrase : phrase + 1], w1, w2, 0.5, LEAKY_RELU, 0.1)[0], whole[phrase])


@pytest.mark.parametrize(("given", "computed"), [("float16", "float32"), ("float32", "float32"), ("float64", "float64")])
def test_half_precision_is_computed_in_float32(given: str, computed: str) -> None:
    inputs = [array.astype(given) for array in random_inputs(1, 2, 4)]
    assert fpm_scan(*inputs, 0.1, TANH, 0.0).dtype == computed


@pytest.mark.parametrize(
    ("isf", "w1", "w2", "activation", "message"),
    [
        ((1, 3, 4, 2), (4, 2, 2), (4, 2, 2, 2), 0, "isf has shape"),
        ((3, 3, 2), (4, 2, 2), (4, 2, 2, 2), 0, "isf has shape"),
        ((1, 3, 3, 2), (3, 2, 2), (4, 2, 2, 2), 0, "w1 has shape"),
        ((1, 3, 3, 2), (4, 2, 2), (4, 2, 2), 0, "w2 has shape"),
        ((1, 3, 3, 2), (4, 2, 2), (4, 2, 2, 2), 2, "activation is 2"),
    ],
)
def test_wrong_inputs_are_refused(
    isf: tuple[int, ...], w1: tuple[int, ...], w2: tuple[int, ...], activation: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fpm_scan(np.zeros(isf), np.zeros(w1), np.zeros(w2), 1.0, activation, 0.0)
