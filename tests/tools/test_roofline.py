import json
import subprocess
import sys

import pytest

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import FIND, STAGES
from roofline import Kernel, kernels_of, milliseconds
from tests.paths import ROOT

TOOLS = ROOT / "tools"

DEVICE = {
    "tflops": {"fp16": 10.0},
    "gigabytes_per_s": 100.0,
    "reached": {"compute": 0.5, "bandwidth": 0.5},
    "launch_us": 4.0,
    "step_us": 3.0,
}


def run(*arguments):
    return subprocess.run([sys.executable, str(TOOLS / "roofline.py"), *map(str, arguments)], capture_output=True, text=True)


def test_flops_and_numbers_of_a_convolution_are_those_of_its_shapes(colour_bundle):
    conv = next(kernel for kernel in kernels_of(Bundle.open(colour_bundle), "image", 1) if kernel.operator == "Conv")
    assert conv.flops == 2 * 64 * 64 * 3 * 3  # a 1x1 convolution of 3 channels to 3
    assert conv.numbers == 2 * 3 * 64 * 64 + 9


def test_products_grow_with_phrases(colour_bundle):
    bundle = Bundle.open(colour_bundle)
    one, four = (sum(kernel.flops for kernel in kernels_of(bundle, "identify", phrases)) for phrases in (1, 4))
    assert one == 2 * 3 * 16
    assert four == 4 * one


def test_the_one_graph_has_its_parts_and_the_lookup(colour_bundle):
    bundle = Bundle.open(colour_bundle)
    parts = [kernel for stage in ("image", "identify", "mask") for kernel in kernels_of(bundle, stage, 2)]
    together = kernels_of(bundle, FIND, 2)
    assert sum(kernel.flops for kernel in together) == sum(kernel.flops for kernel in parts)
    assert len(together) == len(parts) + 4  # the lookup's two maxima and two minima


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (Kernel("Conv", 5 * 10**9, 10), 1.0),  # 5 GFLOP at 5 TFLOPS
        (Kernel("Conv", 10, 25 * 10**6), 1.0),  # 50 MB at 50 GB/s
        (Kernel("Conv", 10, 10), 0.004),
        (Kernel("GRU", 10, 10, steps=20), 0.08),
        (Kernel("FPMScan", 10, 10, steps=50), 0.15),
    ],
)
def test_a_kernel_takes_the_longest_of_arithmetic_traffic_and_launches(kernel, expected):
    assert milliseconds(kernel, DEVICE, "fp16") == pytest.approx(expected)


def test_every_figure_is_marked_as_an_estimate(colour_bundle):
    done = run(colour_bundle)
    assert done.returncode == 0, done.stderr
    assert "ESTIMATE" in done.stdout
    report = json.loads(run(colour_bundle, "--phrases", 2, "--precision", "int8", "--json").stdout)
    assert report["what"].startswith("ESTIMATE")
    assert (report["phrases"], report["precision"], list(report["stages"])) == (2, "int8", [*STAGES, FIND])
    assert set(report["each_frame"]) == {"AGX Orin 64 GB", "RTX 4090"}
    assert all(value > 0 for value in report["each_frame"].values())


def test_an_unknown_precision_is_refused(colour_bundle):
    assert "expected one of fp32, fp16, int8" in run(colour_bundle, "--precision", "int4").stderr
