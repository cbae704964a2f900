import numpy as np
import pytest
from onnxruntime.quantization import QuantType

from bench_int8 import WAYS, Way, quantise
from isfp.bundle.bundle import Bundle
from isfp_export.precision.convert import full
from onnx_session import open_session


@pytest.mark.parametrize("way", [WAYS["convolutions"], Way(("Conv",), QuantType.QInt8)])
def test_a_quantised_stage_gives_about_the_same_maps(colour_bundle, way):
    bundle = Bundle.open(colour_bundle)
    stage = full(bundle)["image"]
    shape = tuple(bundle.manifest.stages["image"].inputs[0].shape)
    feeds = [{"frame": np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)} for seed in range(3)]
    small = quantise(stage, feeds, way)
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in small.graph.node}
    ours, theirs = (open_session(model, 1).run(None, feeds[0]) for model in (small, stage))
    for one, other in zip(ours, theirs, strict=True):
        assert 0 < np.abs(one - other).max() <= 0.02 * np.abs(other).max()
