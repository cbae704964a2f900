"""Choose ranges of activations, and convolutions that can be quantised, on real frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx

from isfp.engines.record import Precision
from isfp_export.precision.quantise import QUANTISED_TYPES, candidates, twins
from isfp_export.precision.run import StageSession

SAMPLE = 20_000  # number of values kept for each tensor and frame
SHARES = np.linspace(0.3, 1.0, 36)  # ranges to try, as shares of the largest value
# A convolution whose own noise is nearer to its signal than this stays in FP16: of the edge network's 69 some 17 in INT8, most
# of them in the backbone's first blocks, and nearly all of the backbone in FP8, which has three bits of mantissa.
LEAST_RATIO = 32.0  # decibels
NOISE_FRAMES = 3


def ranges(
    session: StageSession, values: Iterable[str], feeds: Iterable[Mapping[str, np.ndarray]], kind: Precision
) -> dict[str, float]:
    """Choose the range of each value with the least mean squared error over all frames.

    Clipping a few outliers gives finer steps for all other values; how many to clip is decided for each tensor. The steps of FP8
    grow with the value, so its range is the largest value.

    Args:
        session: the FP32 stage with these values as outputs.
        values: names of the values.
        feeds: inputs of the stage for each frame.
        kind: "int8" or "fp8".
    """
    names = list(dict.fromkeys(values))
    seen: dict[str, list[np.ndarray]] = {name: [] for name in names}
    largest = dict.fromkeys(names, 0.0)
    rng = np.random.default_rng(0)
    for feed in feeds:
        for name, array in session.run(feed, names).items():
            flat = np.abs(array.ravel())
            largest[name] = max(largest[name], float(flat.max()))
            seen[name].append(flat if flat.size <= SAMPLE else rng.choice(flat, SAMPLE, replace=False))
    if kind == "fp8":
        return largest
    return {name: _least_loss(np.concatenate(seen[name]), largest[name]) for name in names}


def too_noisy(
    half: onnx.ModelProto, found: Mapping[str, float], kind: Precision, feeds: Iterable[Mapping[str, np.ndarray]]
) -> dict[str, float]:
    """Return the convolutions that should stay in FP16, each with its signal-to-noise ratio in decibels.

    Every convolution has a quantised twin with the same input, so noise of earlier layers does not count.

    Args:
        half: the stage in FP16.
        found: the range of each value that a candidate reads.
        kind: "int8" or "fp8".
        feeds: inputs of the stage, frame by frame.
    """
    chosen = candidates(half)
    outputs = {node.name: node.output[0] for node in half.graph.node if node.name in chosen}
    session = StageSession(twins(half, found, kind, chosen))
    signal, noise = dict.fromkeys(outputs, 0.0), dict.fromkeys(outputs, 0.0)
    for feed in feeds:
        values = session.run(feed, [name for output in outputs.values() for name in (output, f"{output}/twin")])
        for node, output in outputs.items():
            # A constant offset of a channel is not a signal: a bias could produce it.
            signal[node] += float(values[output].var(axis=(2, 3)).sum())
            noise[node] += float(((values[output] - values[f"{output}/twin"]) ** 2).mean(axis=(2, 3)).sum())
    ratios = {node: 10 * np.log10(max(signal[node], 1e-30) / max(noise[node], 1e-30)) for node in outputs}
    return {node: float(ratio) for node, ratio in ratios.items() if ratio < LEAST_RATIO}


def _least_loss(sample: np.ndarray, largest: float) -> float:
    losses = []
    for share in SHARES:
        step = max(largest * share, 1e-12) / QUANTISED_TYPES[Precision.INT8].largest
        rounded = np.minimum(np.rint(sample / step), QUANTISED_TYPES[Precision.INT8].largest) * step
        losses.append(float(((rounded - sample) ** 2).mean()))
    return float(largest * SHARES[int(np.argmin(losses))])
