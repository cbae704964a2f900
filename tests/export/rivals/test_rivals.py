"""Rivals of a benchmark compute the same network: PyTorch from the checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.diagnose.bench.measure import default_frame
from isfp.errors import RuntimeFailedError, RuntimeUnavailableError
from isfp_export.onnx.stages import stages
from isfp_export.rivals.torch_network import COMPILED, EAGER, _fold
from isfp_train.run import checkpoint

pytestmark = pytest.mark.slow
FRAME, TEXTS = default_frame(90, 120), ["the red object on the left", "the biggest object"]


@pytest.fixture
def ours(exported: Path):
    with Segmenter(exported, threshold=0.0, threads=1) as segmenter:
        yield segmenter.run(FRAME, TEXTS)


def test_a_rival_answers_as_the_bundle_does(exported: Path, trained: Path, ours: list) -> None:
    bundle = Bundle.open(exported)
    runtime = EAGER.make(bundle, "", 1, trained)
    with Segmenter(bundle, runtime, threshold=0.0) as segmenter:
        for _ in range(2):  # its buffers are reused
            for one, other in zip(segmenter.run(FRAME, TEXTS), ours, strict=True):
                np.testing.assert_allclose(one.identifying_map, other.identifying_map, atol=2e-3)
                assert (one.mask ^ other.mask).mean() < 0.01
        assert runtime.precision in (None, "fp32")
        with runtime.timed_stages() as taken:
            segmenter.run(FRAME, TEXTS)
        assert [stage for stage, times in taken.items() if times] == ["image", "identify", "mask"]
    with pytest.raises(RuntimeFailedError, match="was closed"):
        segmenter.run(FRAME, TEXTS)


def test_folding_leaves_no_batch_norm_and_changes_nothing(trained: Path) -> None:
    network = checkpoint.load(trained).network
    ready = stages(network)
    module, inputs = ready[0].module, list(ready[0].inputs.values())
    with torch.inference_mode():
        before = module(*inputs)
        _fold(network, ready)
        after = module(*inputs)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in network.modules())
    for old, new in zip(before, after, strict=True):
        assert float((old - new).abs().max()) < 1e-4 * float(old.abs().max())


def test_a_rival_that_cannot_run_says_what_it_lacks(exported: Path, trained: Path) -> None:
    bundle = Bundle.open(exported)
    with pytest.raises(RuntimeUnavailableError, match=r"there is no tiny\.pt beside tiny\.isfp\. Give it: --checkpoint"):
        EAGER.make(bundle, "", 0, None)
    with pytest.raises(RuntimeUnavailableError, match="compile was asked for 'warp'; expected one of cuda, cuda-fp16"):
        COMPILED.make(bundle, "warp", 0, trained)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeUnavailableError, match="built without CUDA"):
            EAGER.make(bundle, "cuda", 0, trained)
    with pytest.raises(RuntimeUnavailableError, match="isfp bench BUNDLE --against eager"):
        type(EAGER.make(bundle, "", 1, trained)).with_option("")


def test_the_command_runs_them_in_turn(isfp, exported: Path, trained: Path) -> None:
    command = ("bench", exported, "--against", "eager", "--checkpoint", trained, "--runs", 1, "--threads", 1, "--json")
    code, out, _ = isfp(*command, "--phrase", "the red object")
    assert code == 0
    fields = json.loads(out)
    assert fields["speedup_against"]["eager"] > 0
    assert fields["rivals"]["eager"]["agreement"]["mask_iou"] > 0.9
    assert fields["rivals"]["eager"]["runtime"] == "pytorch"
