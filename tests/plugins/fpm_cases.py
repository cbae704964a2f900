"""Cases for `fpm_host_scan`, judged by the NumPy reference."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fpm_scan.reference import LEAKY_RELU, fpm_scan

ALPHA = 0.25
SLOPE = 0.1

# Of the largest output, against the reference in float64 on the same (rounded) inputs. FP32: rounding of sums. FP16:
# the output and the sums of incoming hidden states are rounded to 11 bits; hidden states themselves stay in FP32.
TOLERANCE = {"float": 1e-5, "half": 1e-3}
DTYPES: dict[str, type[np.floating]] = {"float": np.float32, "half": np.float16}


@dataclass(frozen=True)
class Case:
    """One scan, and how the host runs it: see host/fpm_host_scan.cpp."""

    phrases: int = 1
    size: int = 5
    channels: int = 24
    scalar: str = "float"
    form: str = "fma"
    activation: int = LEAKY_RELU
    slice_log2: int = 5
    phrases_per_group: int = 1
    paths_at_once: int = 4
    threads: int = 2
    dropped: str = "nothing"

    def inputs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """isf `[P,S,S,C]`, w1 `[4,C,C]`, w2 `[4,2,C,C]`, of the case's own numbers."""
        rng = np.random.default_rng(self.size * 1000 + self.channels)
        dtype, channels = DTYPES[self.scalar], self.channels
        isf = rng.standard_normal((self.phrases, self.size, self.size, channels))
        weights = [rng.standard_normal(shape) * channels**-0.5 for shape in ((4, channels, channels), (4, 2, channels, channels))]
        return isf.astype(dtype), weights[0].astype(dtype), weights[1].astype(dtype)


def run(program: Path, case: Case, folder: Path) -> subprocess.CompletedProcess[str]:
    """Write the case, run it; the result is in `folder/result`."""
    shape = f"{case.phrases} {case.size} {case.channels} {ALPHA} {case.activation} {SLOPE}"
    launch = f"{case.slice_log2} {case.phrases_per_group} {case.paths_at_once} {case.threads}"
    header = f"{case.scalar} {case.form} {case.dropped} {shape} {launch}\n"
    (folder / "case").write_bytes(header.encode() + b"".join(array.tobytes() for array in case.inputs()))
    command = [str(program), str(folder / "case"), str(folder / "result")]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


def error_of(program: Path, case: Case, folder: Path) -> float:
    """Largest difference to the reference, as a share of the largest output; infinite if a value is NaN."""
    done = run(program, case, folder)
    assert done.returncode == 0, done.stderr
    isf, w1, w2 = (array.astype(np.float64) for array in case.inputs())
    expected = fpm_scan(isf, w1, w2, ALPHA, case.activation, SLOPE)
    found = np.fromfile(folder / "result", DTYPES[case.scalar]).astype(np.float64).reshape(expected.shape)
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    return float("inf") if np.isnan(difference) else float(difference)
