"""Invariants of the network's parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from isfp_train.errors import ConfigurationError, DataMissingError
from isfp_train.network import ISFP, NetworkConfig
from isfp_train.network.backbone import Backbone
from isfp_train.network.fusion import fuse
from isfp_train.network.language import PhraseEncoder, WordAttention
from isfp_train.network.layers import ConvBlock
from isfp_train.network.pathways import DownPathway
from isfp_train.network.refinement import Refinement
from isfp_train.network.segmentation import SegmentationBranch

SMALL = {
    "base": "edge", "image_size": 64, "grid": 5, "max_words": 6, "word_channels": 8, "text_channels": 12, "fused_channels": 16,
    "pathway_channels": 16, "instance_channels": 8, "mask_channels": 12, "aspp_channels": 8, "refinement_guided": False,
    "segmentation_language": "early",
}  # fmt: skip


def small(**changes: object) -> ISFP:
    torch.manual_seed(0)
    return ISFP(NetworkConfig.from_dict({**SMALL, **changes}), words=30, trained_words=[3, 4]).eval()


@pytest.mark.parametrize("name", ["efficientnet_lite0", "darknet53"])
def test_backbone_maps_have_strides_8_16_32(name: str) -> None:
    backbone = Backbone(name).eval()
    with torch.inference_mode():
        maps = backbone(torch.zeros(1, 64, 96, 3, dtype=torch.uint8))
    for level, channels, stride in zip(maps, backbone.channels, (8, 16, 32), strict=True):
        assert level.shape == (1, channels, 64 // stride, 96 // stride)


def test_imagenet_weights_tell_a_real_picture_from_noise() -> None:
    backbone = Backbone("efficientnet_lite0").eval()
    before = backbone.body._conv_stem.weight.clone()
    backbone.body.load_imagenet()
    assert not torch.equal(before, backbone.body._conv_stem.weight)
    assert backbone.body._blocks[15]._bn2.running_var.max() > 1  # statistics of a trained network, not of a new one


def test_padding_never_changes_a_phrase() -> None:
    torch.manual_seed(0)
    encoder = PhraseEncoder(20, 8, 12).eval()
    encoder.words.load(torch.randn(20, 8))
    short = torch.tensor([[3, 4, 5]])
    padded = torch.tensor([[3, 4, 5, 0, 0, 0]])
    garbage = torch.tensor([[3, 4, 5, 9, 9, 9]])
    length = torch.tensor([3])
    torch.testing.assert_close(encoder(short, length), encoder(padded, length))
    torch.testing.assert_close(encoder(short, length), encoder(garbage, length))


def test_both_directions_equal_torchs_bidirectional_gru() -> None:
    torch.manual_seed(0)
    encoder = PhraseEncoder(20, 8, 12).eval()
    encoder.words.load(torch.randn(20, 8))
    both = torch.nn.GRU(8, 12, batch_first=True, bidirectional=True)
    for name, value in encoder.forward_gru.named_parameters():
        getattr(both, name).data.copy_(value)
    for name, value in encoder.backward_gru.named_parameters():
        getattr(both, f"{name}_reverse").data.copy_(value)
    words, lengths = torch.tensor([[3, 4, 5, 6, 0], [7, 8, 0, 0, 0]]), torch.tensor([4, 2])
    packed = torch.nn.utils.rnn.pack_padded_sequence(encoder.words(words), lengths, batch_first=True)
    wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(both(packed)[0], batch_first=True, total_length=5)
    ours = encoder.hidden(words, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(ours[row, :length], (wanted[..., :12] + wanted[..., 12:])[row, :length])


def test_attention_weights_are_zero_on_padding_and_sum_to_one() -> None:
    weights = WordAttention(8).weights(torch.randn(2, 5, 8), torch.tensor([2, 5]))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert (weights[0, 2:] == 0).all()


def test_only_the_named_words_learn() -> None:
    encoder = PhraseEncoder(10, 4, 6, trained_ids=[3])
    encoder.words.load(torch.randn(10, 4))
    encoder(torch.tensor([[3, 5]]), torch.tensor([2])).sum().backward()
    assert encoder.words.trained.grad is not None
    assert encoder.words.trained.grad.abs().sum() > 0
    assert not encoder.words.vectors.requires_grad


def test_fusion_multiplies_every_place_by_the_phrase() -> None:
    visual, phrases = torch.randn(1, 3, 2, 2), torch.randn(4, 3)
    fused = fuse(visual, phrases)
    assert fused.shape == (4, 3, 2, 2)
    torch.testing.assert_close(fused[2, :, 1, 0], visual[0, :, 1, 0] * phrases[2])


def test_averaging_before_the_product_equals_averaging_after_it() -> None:
    """Why the finest level costs the identify stage nothing per phrase."""
    visual, phrases = torch.randn(1, 8, 8, 8), torch.randn(3, 8)
    pooled = torch.nn.functional.avg_pool2d
    torch.testing.assert_close(fuse(pooled(visual, 2), phrases), pooled(fuse(visual, phrases), 2))


def test_scene_index_gives_what_repeated_maps_give() -> None:
    pathway = DownPathway(8, 8, grid=3, slope=0.1).eval()
    maps = (torch.randn(2, 8, 8, 8), torch.randn(2, 8, 4, 4), torch.randn(2, 8, 2, 2))
    phrases, scenes = torch.randn(3, 8), torch.tensor([1, 0, 1])
    repeated = tuple(level[scenes] for level in maps)
    torch.testing.assert_close(pathway(maps, phrases, scenes), pathway(repeated, phrases))


def test_lookup_before_the_last_layer_equals_lookup_after_it() -> None:
    branch = SegmentationBranch(8, 8, 4, (1, 2), masks=9, coordinates=True, slope=0.1).eval()
    fused, cells = torch.randn(2, 8, 6, 6), torch.tensor([[0, 8, 4], [3, 3, 7]])
    everything = branch(fused)
    wanted = torch.stack([everything[row, cells[row]] for row in range(2)])
    torch.testing.assert_close(branch.lookup(branch.features(fused), cells)[0], wanted)


def test_refinement_adds_to_the_upsampled_coarse_mask() -> None:
    refinement = Refinement((8, 4), slope=0.1).eval()
    torch.nn.init.zeros_(refinement.at_full.weight)
    assert refinement.at_full.bias is not None
    torch.nn.init.zeros_(refinement.at_full.bias)
    coarse = torch.randn(2, 4, 4)
    refined = refinement(torch.rand(2, 3, 32, 32), coarse)
    wanted = torch.nn.functional.interpolate(coarse[:, None], size=(32, 32), mode="bilinear")[:, 0]
    torch.testing.assert_close(refined, wanted)


def test_guided_refinement_starts_as_the_guided_filter_alone() -> None:
    refinement = Refinement((8, 4), slope=0.1, guided=True).eval()
    assert refinement.at_full.bias is not None
    torch.nn.init.zeros_(refinement.at_full.bias)
    coarse, frame = torch.randn(2, 4, 4), torch.rand(2, 3, 32, 32)
    seen = torch.nn.functional.interpolate(coarse[:, None], size=(8, 8), mode="bilinear").sigmoid()
    assert refinement.guide is not None
    torch.testing.assert_close(refinement(frame, coarse), 4.0 * (2 * refinement.guide(seen, frame)[:, 0] - 1))


@pytest.mark.parametrize("training", [False, True])
def test_a_block_of_two_inputs_equals_the_block_of_their_concatenation(training: bool) -> None:
    torch.manual_seed(0)
    block, other = ConvBlock(5, 6, 3, stride=2, slope=0.1).train(training), ConvBlock(5, 6, 3, stride=2, slope=0.1).train(training)
    torch.nn.init.normal_(block[1].weight)
    torch.nn.init.normal_(block[1].bias)
    block[1].running_mean.normal_()
    block[1].running_var.uniform_(0.1, 3)
    other.load_state_dict(block.state_dict())
    for rows in (1, 3):
        shared, own = torch.randn(rows, 3, 7, 9), torch.randn(3, 2, 7, 9)
        both = torch.cat((shared.expand(3, -1, -1, -1), own), dim=1)
        torch.testing.assert_close(block.of_both(shared, own), other(both), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(block.state_dict(), other.state_dict(), rtol=1e-5, atol=1e-5)  # with the means of its training


@pytest.mark.parametrize("training", [False, True])
def test_a_map_that_is_convolved_and_then_doubled_equals_one_that_is_doubled_first(training: bool) -> None:
    torch.manual_seed(0)
    block, other = ConvBlock(5, 6, 1, slope=0.1).train(training), ConvBlock(5, 6, 1, slope=0.1).train(training)
    torch.nn.init.normal_(block[1].weight)
    torch.nn.init.normal_(block[1].bias)
    block[1].running_mean.normal_()
    block[1].running_var.uniform_(0.1, 3)
    other.load_state_dict(block.state_dict())
    coarse, fine = torch.randn(2, 3, 4, 5), torch.randn(2, 2, 8, 10)
    doubled = torch.nn.functional.interpolate(coarse, scale_factor=2.0, mode="bilinear")
    wanted = other(torch.cat((doubled, fine), dim=1))
    torch.testing.assert_close(block.of_doubled(coarse, fine), wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(block.state_dict(), other.state_dict(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("patches", [False, True])
def test_several_masks_of_a_frame_are_refined_as_one_at_a_time(guided: bool, patches: bool) -> None:
    torch.manual_seed(0)
    network = small(refinement_guided=guided, refinement_patches=patches)
    torch.nn.init.normal_(network.refinement.at_full.weight)
    frames, coarse = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8), torch.randn(2, 3, 8, 8)
    alone = torch.stack([network.refine(frames[:1], coarse[p : p + 1, k : k + 1])[0, 0] for p in range(2) for k in range(3)])
    together = network.refine(frames[:1], coarse).flatten(0, 1)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    repeated = network.refine(frames[:1].expand(2, -1, -1, -1), coarse).flatten(0, 1)
    torch.testing.assert_close(repeated, alone, rtol=1e-4, atol=1e-4)
    own = network.refine(frames, coarse)  # each phrase's masks on its own frame
    for row in range(2):
        torch.testing.assert_close(own[row], network.refine(frames[row : row + 1], coarse[row : row + 1])[0], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(own[1], together[3:], atol=1e-2), "the case shows nothing"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"identification": "convolution"},
        {"identification": "none"},
        {"refinement": False},
        {"refinement_guided": True},
        {"identification": "none", "refinement": False},
        {"segmentation_language": "none"},
        {"segmentation_language": "late"},
        {"activation": "leaky_relu", "alpha": 0.1},
    ],
    ids=str,
)
def test_every_row_of_table_i_is_a_configuration(changes: dict) -> None:
    network = small(**changes)
    frame = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    masks, identifying = network(frame, torch.tensor([[3, 4, 0, 0, 0, 0], [5, 6, 7, 0, 0, 0]]), torch.tensor([2, 3]))
    assert masks.shape == (2, 64, 64)
    assert identifying.shape == ((2, 1, 1) if changes.get("identification") == "none" else (2, 5, 5))
    names = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert ("identification" in names) == (changes.get("identification") != "none")
    assert ("refinement" in names) == changes.get("refinement", True)


@pytest.mark.parametrize("pixels", [0, 8])
@pytest.mark.parametrize("language", ["early", "late", "none"])
def test_masks_of_several_frames_at_once_equal_those_of_each_frame(language: str, pixels: int) -> None:
    network = small(segmentation_language=language, conditional_masks=4, conditional_pixels=pixels)
    torch.nn.init.normal_(network.segmentation.conditional.controller[2].weight, std=0.3)
    frames = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    visual = network.image(frames)
    phrases, cells = torch.randn(3, 16), torch.tensor([[0, 4], [7, 7], [24, 12]])
    scenes = torch.tensor([1, 0, 1])
    together = network.coarse(frames, visual, phrases, cells, scenes)
    for row, scene in enumerate(scenes.tolist()):
        own = tuple(level[scene : scene + 1] for level in visual)
        alone = network.coarse(frames[scene : scene + 1], own, phrases[row : row + 1], cells[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=1e-5, atol=1e-5)


def test_late_language_changes_the_masks() -> None:
    network = small(segmentation_language="late")
    frame = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    coarse = network.coarse(frame, network.image(frame), torch.randn(2, 16), torch.zeros(2, 1, dtype=torch.long))
    assert not torch.equal(coarse[0], coarse[1])


def test_without_language_the_coarse_masks_do_not_depend_on_the_phrase() -> None:
    network = small(segmentation_language="none")
    frame = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    coarse = network.coarse(frame, network.image(frame), torch.randn(2, 16), torch.zeros(2, 1, dtype=torch.long))
    torch.testing.assert_close(coarse[0], coarse[1])


def test_stages_together_equal_the_whole() -> None:
    network = small()
    frame = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    words, lengths = torch.tensor([[3, 4, 0, 0, 0, 0], [5, 6, 7, 0, 0, 0]]), torch.tensor([2, 3])
    visual, phrases = network.image(frame), network.text(words, lengths)
    identifying = network.identify(visual, phrases)
    masks = network.mask(frame, visual, phrases, identifying.flatten(1).argmax(1, keepdim=True))[:, 0]
    wanted, grid = network(frame.expand(2, -1, -1, -1), words, lengths)
    torch.testing.assert_close(masks, wanted)
    torch.testing.assert_close(identifying, grid)


def test_paper_configuration_has_the_papers_sizes() -> None:
    config = NetworkConfig.paper()
    assert (config.image_size, config.grid, config.backbone) == (416, 13, "darknet53")
    network = ISFP(config, words=10)
    assert network.segmentation.last.out_channels == 169
    assert network.propagation.w2.shape == (4, 2, 512, 512)


def test_unknown_settings_are_named() -> None:
    with pytest.raises(ValueError, match="grids"):
        NetworkConfig.from_dict({"base": "edge", "grids": 3})
    with pytest.raises(ValueError, match="multiple of 32"):
        replace(NetworkConfig.paper(), image_size=100)


def test_darknet_file_loads_in_darknets_order(tmp_path: Path) -> None:
    backbone = Backbone("darknet53")
    norm, convolution = backbone.body.stem[1], backbone.body.stem[0]
    numbers = np.arange(40_620_640, dtype=np.float32)
    with (tmp_path / "darknet53.conv.74").open("wb") as file:
        np.array([0, 2, 0], np.int32).tofile(file)
        np.array([32013312], np.int64).tofile(file)
        numbers.tofile(file)
    backbone.load_pretrained(tmp_path / "darknet53.conv.74")
    assert norm.bias.tolist() == list(range(32))
    assert norm.weight[0] == 32
    assert norm.running_mean[0] == 64
    assert norm.running_var[0] == 96
    assert convolution.weight.flatten()[:2].tolist() == [128, 129]
    second = backbone.body.stages[0][0]
    assert second[1].bias[0] == 128 + 32 * 3 * 9  # right behind the stem's weights


def test_darknet_weights_that_are_missing_or_short_say_so(tmp_path: Path) -> None:
    backbone = Backbone("darknet53")
    with pytest.raises(DataMissingError, match="freeze_backbone"):
        backbone.load_pretrained()
    (tmp_path / "short.weights").write_bytes(bytes(20) + bytes(400))
    with pytest.raises(ConfigurationError, match="truncated"):
        backbone.load_pretrained(tmp_path / "short.weights")
