"""Bootstrap intervals: how much metrics vary with the choice of test scenes, which are resampled as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

#: A metric as a ratio of sums: the terms of numerator and denominator for each expression, `[N]` and `[N]`.
Ratio = tuple[np.ndarray, np.ndarray]

RESAMPLES = 2000
LEVEL = 0.95


def values(ratios: Mapping[str, Ratio]) -> dict[str, float]:
    """Return the metrics, in percent. Metrics whose denominator is 0 are left out."""
    return {name: 100 * float(above.sum() / below.sum()) for name, (above, below) in ratios.items() if below.sum() > 0}


def intervals(ratios: Mapping[str, Ratio], scenes: np.ndarray, seed: int = 0) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of metrics, in percent.

    Phrases about one scene are not independent, so scenes are drawn with replacement, not phrases.

    Args:
        ratios: see `Ratio`.
        scenes: number of each expression's scene `[N]`.
        seed: seed of the draws.

    Returns:
        Lower and upper bound by name, of the metrics that have a value.
    """
    draws = _resamples(ratios, scenes, seed)
    return {name: _ends(drawn) for name, drawn in draws.items()}


def difference(
    one: Mapping[str, Ratio], other: Mapping[str, Ratio], scenes: np.ndarray, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % intervals of `other` minus `one`, in percentage points, for two models that were asked the same expressions.

    Both are measured on the same draws, so variation that they share cancels out.

    Args:
        one: metrics over expressions `[N]`.
        other: metrics over the same expressions, in the same order.
        scenes: number of each expression's scene `[N]`.
        seed: seed of the draws.
    """
    before, after = _resamples(one, scenes, seed), _resamples(other, scenes, seed)
    return {name: _ends(after[name] - before[name]) for name in after if name in before}


def _resamples(ratios: Mapping[str, Ratio], scenes: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    _, place = np.unique(scenes, return_inverse=True)
    count = int(place.max()) + 1 if len(place) else 0
    if not count:
        return {}
    rng = np.random.default_rng(seed)
    times = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)  # [R, scenes]
    drawn = {}
    for name, (above, below) in ratios.items():
        if below.sum() > 0:
            upper = times @ np.bincount(place, above, count)
            lower = times @ np.bincount(place, below, count)
            drawn[name] = 100 * np.divide(upper, lower, out=np.full(RESAMPLES, np.nan), where=lower > 0)
    return drawn


def _ends(drawn: np.ndarray) -> tuple[float, float]:
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
