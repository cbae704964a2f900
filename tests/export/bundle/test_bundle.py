"""From a checkpoint to a bundle that does the same, or to no bundle at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from isfp import Segmenter
from isfp.bundle.bundle import Bundle, write_manifest
from isfp_export.bundle import export as bundles
from isfp_export.bundle.verify import VerificationError, compare, verify
from isfp_export.onnx.stages import stages
from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.network import ISFP, NetworkConfig
from isfp_train.run import checkpoint
from tests.train.tiny import TINY

pytestmark = pytest.mark.slow


def test_bundle_is_whole_and_says_what_it_is(exported: Path) -> None:
    opened = Bundle.open(exported)
    assert set(opened.manifest.files) == {
        "image.onnx", "text.onnx", "identify.onnx", "mask.onnx", "words.txt", "MODEL_CARD.md",
    }  # fmt: skip
    fields = opened.manifest.fields
    assert fields["network"]["backbone"] == "efficientnet_lite0"
    assert fields["weights"]["steps"] == 2
    assert 0 < opened.manifest.found_threshold < 1
    assert "held-out scenes" in fields["threshold"]["how"]
    assert "What it cannot do" in (exported / "MODEL_CARD.md").read_text()


def test_bundle_equals_its_checkpoint_stage_by_stage(exported: Path, trained: Path) -> None:
    result = verify(exported, checkpoint.load(trained), scenes=4)
    assert set(result.differences) == {
        "image.visual_large", "image.visual_medium", "image.visual_small", "text.phrases", "identify.identifying", "mask.masks",
    }  # fmt: skip
    # The backbone's largest kernels are stored in FP16.
    assert result.differences.pop("image.visual_small") < 1e-3
    assert max(result.differences.values()) < 1e-4
    assert result.mask_iou > 0.999


def test_bundle_with_other_weights_is_called_different(exported: Path, trained: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.isfp"
    shutil.copytree(exported, changed)
    model = onnx.load(changed / "identify.onnx")
    weight = max(model.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    values = onnx.numpy_helper.to_array(weight).copy()
    values.flat[: values.size // 2] *= 1.5
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, changed / "identify.onnx")
    fields = json.loads((changed / "manifest.json").read_text())
    write_manifest(changed, {key: value for key, value in fields.items() if key not in ("format", "version", "files", "sha256")})
    with pytest.raises(VerificationError, match="identify"):
        verify(changed, checkpoint.load(trained), scenes=2)
    assert compare(changed, checkpoint.load(trained), scenes=2).differences["image.visual_large"] < 1e-4


def test_failed_verification_leaves_no_bundle(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise VerificationError("no")

    monkeypatch.setattr(bundles, "verify", refuses)
    with pytest.raises(VerificationError):
        bundles.export_bundle(trained, tmp_path / "bad.isfp", scenes=6)
    assert list(tmp_path.iterdir()) == []


def test_identify_has_one_scan_node_with_its_body(exported: Path) -> None:
    model = onnx.load(exported / "identify.onnx")
    assert [node.op_type for node in model.graph.node if node.domain == "isfp"] == ["FPMScan"]
    assert [(function.domain, function.name) for function in model.functions] == [("isfp", "FPMScan")]
    for stage in ("image", "text", "mask"):
        assert not onnx.load(exported / f"{stage}.onnx").functions


def test_phrases_and_candidates_are_dynamic(exported: Path) -> None:
    image = ProceduralScenes(64).scene(5).image[..., ::-1]
    texts = ["the mug", "the red ball", "a key on the left", "the biggest box", "the object"]
    with Segmenter(exported, threshold=0.0) as segmenter:
        alone = [segmenter.run(np.ascontiguousarray(image), text) for text in texts]
        together = segmenter.run(np.ascontiguousarray(image), texts)
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one.identifying_map, other.identifying_map, atol=1e-5)
            assert one.cell == other.cell
            assert (one.mask != other.mask).mean() < 0.01
        assert len(segmenter.candidates(np.ascontiguousarray(image), texts[0], k=3)) >= 1


def test_network_with_a_convolution_in_place_of_the_fpm_exports_too(tmp_path: Path) -> None:
    from isfp_export.onnx.to_onnx import stage_to_onnx

    config = NetworkConfig.from_dict({**TINY["network"], "identification": "convolution", "refinement": False})
    torch.manual_seed(0)
    network = ISFP(config, words=40).eval()
    for stage in stages(network):
        if stage.name in ("identify", "mask"):
            assert not stage_to_onnx(stage, config).functions


def test_baseline_is_refused_with_the_reason() -> None:
    config = NetworkConfig.from_dict({**TINY["network"], "identification": "none"})
    with pytest.raises(ValueError, match="identification: none"):
        stages(ISFP(config, words=10).eval())
