"""`isfp::FPMScan` as an ONNX local function, run by ONNX Runtime, means what PyTorch and the NumPy reference mean."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from fpm_scan.reference import LEAKY_RELU, TANH
from fpm_scan.reference import fpm_scan as reference
from isfp.engines.fpm import DOMAIN, OPERATOR
from isfp_export.onnx.fpm_function import fpm_model
from isfp_train.network.fpm_scan import fpm_scan

TOLERANCE = 1e-5  # float32, sums in another order


@pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])
@pytest.mark.parametrize(("grid", "channels"), [(2, 8), (5, 16), (13, 64)])
def test_three_implementations_agree(grid: int, channels: int, activation: str) -> None:
    model = fpm_model(grid, channels, activation, alpha=0.5, slope=0.1)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    rng = np.random.default_rng(grid)
    w1, w2 = (
        rng.normal(0, 0.7 * channels**-0.5, shape).astype(np.float32)
        for shape in ((4, channels, channels), (4, 2, channels, channels))
    )
    for phrases in (1, 3):
        isf = rng.normal(0, 1, (phrases, grid, grid, channels)).astype(np.float32)
        (ours,) = session.run(None, {"isf": isf, "w1": w1, "w2": w2})
        theirs = fpm_scan(torch.from_numpy(isf), torch.from_numpy(w1), torch.from_numpy(w2), 0.5, activation, 0.1).numpy()
        code = TANH if activation == "tanh" else LEAKY_RELU
        meant = reference(isf.astype(np.float64), w1.astype(np.float64), w2.astype(np.float64), 0.5, code, 0.1)
        scale = np.abs(meant).max()
        assert np.abs(ours - meant).max() <= TOLERANCE * scale
        assert np.abs(theirs - meant).max() <= TOLERANCE * scale


def test_alpha_and_slope_are_the_nodes_not_the_functions() -> None:
    """One body serves every α and slope: the node's attributes reach it."""
    rng = np.random.default_rng(0)
    feeds = {
        "isf": rng.normal(0, 1, (1, 3, 3, 8)).astype(np.float32),
        "w1": rng.normal(0, 0.3, (4, 8, 8)).astype(np.float32),
        "w2": rng.normal(0, 0.3, (4, 2, 8, 8)).astype(np.float32),
    }
    for alpha, slope in ((0.5, 0.1), (0.25, 0.1), (0.5, 0.3)):
        model = fpm_model(3, 8, "leaky_relu", alpha, slope)
        (ours,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)
        meant = reference(feeds["isf"], feeds["w1"], feeds["w2"], alpha, LEAKY_RELU, slope)
        np.testing.assert_allclose(ours, meant, atol=1e-5)


def test_node_carries_its_own_definition() -> None:
    model = fpm_model(4, 8, "tanh", 0.5, 0.1)
    (node,), (function,) = model.graph.node, model.functions
    assert (node.domain, node.op_type) == (function.domain, function.name) == (DOMAIN, OPERATOR)
    assert {entry.domain for entry in function.opset_import} == {""}  # standard operators alone
