"""Switches of the network that are ours: without effect where they should be, and with effect where they are used."""

from __future__ import annotations

import pytest
import torch

from isfp_train.network import ISFP, NetworkConfig
from isfp_train.network.identification import IdentificationBranch
from isfp_train.network.pathways import DownPathway
from isfp_train.network.refinement import Refinement
from tests.train.tiny import TINY

Maps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def film() -> tuple[IdentificationBranch, IdentificationBranch]:
    """A branch with language and one without, of the same weights."""
    torch.manual_seed(0)
    with_language = IdentificationBranch(8, 8, True, 0.1, language=6).eval()
    plain = IdentificationBranch(8, 8, True, 0.1).eval()
    plain.body.load_state_dict(with_language.body.state_dict())
    return with_language, plain


def test_language_in_the_identification_branch_starts_without_effect() -> None:
    with_language, plain = film()
    features, phrases = torch.randn(3, 8, 5, 5), torch.randn(3, 6)
    torch.testing.assert_close(with_language(features, phrases), plain(features))


def test_language_in_the_identification_branch_learns_to_tell_phrases_apart() -> None:
    branch, _ = film()
    features, phrases = torch.randn(1, 8, 5, 5).expand(2, -1, -1, -1), torch.randn(2, 6)
    branch(features, phrases)[0].square().sum().backward()
    assert branch.film is not None
    assert branch.film.weight.grad is not None
    assert branch.film.weight.grad.abs().sum() > 0
    torch.nn.init.normal_(branch.film.weight)
    one, other = branch(features, phrases)
    assert (one - other).abs().max() > 0.01


def maps(grid: int) -> Maps:
    """Visual maps at strides 8, 16 and 32 of a frame whose map at stride 16 has `grid` places a side."""
    large, medium, small = (torch.randn(2, 6, side, side) for side in (2 * grid, grid, grid // 2))
    return large, medium, small


def pathways(grid: int) -> tuple[DownPathway, DownPathway]:
    torch.manual_seed(0)
    early = DownPathway(6, 8, grid, 0.1, at_grid=True).eval()
    late = DownPathway(6, 8, grid, 0.1).eval()
    late.load_state_dict(early.state_dict())
    return early, late


def test_fusion_at_the_grid_gives_a_map_of_the_same_size() -> None:
    early, late = pathways(5)
    visual, phrases = maps(8), torch.randn(2, 6)
    assert early(visual, phrases).shape == late(visual, phrases).shape == (2, 8, 5, 5)
    assert not torch.allclose(early(visual, phrases), late(visual, phrases), atol=1e-3)


def test_fusion_at_the_grid_equals_the_later_resize_where_nothing_is_resized() -> None:
    early, late = pathways(8)
    visual, phrases = maps(8), torch.randn(2, 6)
    torch.testing.assert_close(early(visual, phrases), late(visual, phrases))


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("guided", [False, True])
def test_a_refinement_of_patches_starts_as_the_mask_that_it_is_given(guided: bool, small: bool) -> None:
    torch.manual_seed(0)
    patches, whole = Refinement((8, 6), 0.1, guided, True, small).eval(), Refinement((8, 6), 0.1, guided).eval()
    for refinement in (patches, whole):
        torch.nn.init.zeros_(refinement.at_full.bias)
    frame, coarse = torch.rand(2, 3, 64, 96), torch.randn(2, 8, 12)
    with torch.inference_mode():
        shown, wanted = patches(frame, coarse), whole(frame, coarse)
    assert shown.shape == (2, 64, 96)
    torch.testing.assert_close(shown, wanted)


@pytest.mark.parametrize(("small", "reach"), [(False, 8), (True, 16)])
def test_a_refinement_of_patches_reads_single_pixels(small: bool, reach: int) -> None:
    """A pixel's change reaches its own place of the mask, though the frame is read four by four."""
    torch.manual_seed(0)
    refinement = Refinement((8, 6), 0.1, False, True, small).eval()
    torch.nn.init.normal_(refinement.at_full.weight)
    frame, coarse = torch.rand(1, 3, 64, 64), torch.zeros(1, 8, 8)
    changed = frame.clone()
    changed[0, :, 30, 30] = 1 - changed[0, :, 30, 30]
    with torch.inference_mode():
        gap = (refinement(changed, coarse) - refinement(frame, coarse))[0].abs()
    assert gap[28:32, 28:32].max() > 1e-3
    assert gap[:reach].max() == gap[:, :reach].max() == 0


@pytest.mark.parametrize(
    ("switch", "value"),
    [
        ("fusion_at_grid", True),
        ("identification_film", True),
        ("refinement_patches", True),
        ("refinement_small", True),
        ("conditional_masks", 4),
        ("conditional_boxes", True),
        ("conditional_pixels", 8),
        ("cell_tower", 2),
    ],
)
def test_a_network_with_the_switch_answers_and_learns(switch: str, value: bool | int) -> None:
    torch.manual_seed(0)
    network = ISFP(NetworkConfig.from_dict({**TINY["network"], "conditional_masks": 4, switch: value}), 20)
    frame = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    masks, identifying = network(frame, torch.randint(2, 20, (2, 20)), torch.tensor([4, 20]))
    assert masks.shape == (2, 64, 64)
    assert identifying.shape == (2, 5, 5)
    (masks.mean() + identifying.mean()).backward()
    new = {
        "identification_film": "identification.film.weight",
        "refinement_patches": "refinement.at_full.weight",
        "refinement_small": "refinement.at_full.weight",
        "conditional_masks": "segmentation.conditional.controller.2.weight",
        "conditional_boxes": "segmentation.conditional.boxes.steepness",
        "conditional_pixels": "segmentation.conditional.controller.2.weight",
        "cell_tower": "segmentation.tower.0.0.weight",
    }
    assert switch not in new or network.get_parameter(new[switch]).grad is not None


@pytest.mark.parametrize("training", [False, True])
def test_channels_are_left_out_in_training_alone(training: bool) -> None:
    torch.manual_seed(0)
    network = ISFP(NetworkConfig.from_dict({**TINY["network"], "dropout": 0.5}), 20)
    plain = ISFP(NetworkConfig.from_dict(TINY["network"]), 20)
    plain.load_state_dict(network.state_dict())
    visual = tuple(torch.randn(1, 16, side, side) for side in (8, 4, 2))
    words, lengths = torch.randint(2, 20, (3, 20)), torch.tensor([4, 20, 7])

    def answer(asked: ISFP) -> torch.Tensor:
        asked.train(training)
        return asked.identify(visual, asked.text(words, lengths))  # type: ignore[arg-type]

    assert torch.equal(answer(network), answer(network)) is not training
    assert torch.equal(answer(network), answer(plain)) is not training
