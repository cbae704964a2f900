"""The small network of each cell: without effect at first, with its own weights, and bound to the place of its cell."""

from __future__ import annotations

import torch
from torch.nn import functional

from isfp_train.network.conditional_masks import ConditionalMasks

CHANNELS, WIDTH, DETAIL, GRID, SLOPE = 6, 4, 2, 5, 0.1


def built(spread: float = 0.0) -> ConditionalMasks:
    torch.manual_seed(0)
    masks = ConditionalMasks(CHANNELS, WIDTH, DETAIL, GRID, SLOPE).eval()
    if spread:
        torch.nn.init.normal_(masks.controller[2].weight, std=spread)
    return masks


def test_nothing_is_added_at_the_start_and_the_first_step_changes_that() -> None:
    masks = built()
    features, seen, cells = torch.randn(2, CHANNELS, 10, 10), torch.randn(2, 3, CHANNELS), torch.randint(0, 25, (2, 3))
    found = masks(features, seen, cells)
    assert found.shape == (2, 3, 20, 20)
    assert found.abs().max() == 0
    (found - 1).square().sum().backward()
    assert masks.controller[2].weight.grad is not None
    assert masks.controller[2].weight.grad.abs().sum() > 0


@torch.no_grad()
def test_each_cell_computes_its_mask_with_its_own_weights() -> None:
    masks = built(0.3)
    features, seen, cells = torch.randn(2, CHANNELS, 10, 10), torch.randn(2, 3, CHANNELS), torch.randint(0, 25, (2, 3))
    found = masks(features, seen, cells)
    squeezed = functional.pixel_shuffle(masks.squeeze(features), DETAIL)
    places = (torch.arange(20) + 0.5) / 20 * GRID
    for phrase in range(2):
        for mask in range(3):
            row, column = divmod(int(cells[phrase, mask]), GRID)
            weights = masks.controller(seen[phrase, mask]).split(masks.counts)
            right, down = (places - column - 0.5) / 2, (places - row - 0.5) / 2
            inputs = torch.cat((squeezed[phrase], right.expand(1, 20, 20), down[:, None].expand(1, 20, 20)))
            first = torch.cat((weights[1].view(WIDTH, WIDTH), weights[0].view(WIDTH, 2)), dim=1)
            x = functional.leaky_relu(torch.einsum("oc,chw->ohw", first, inputs) + weights[2][:, None, None], SLOPE)
            x = functional.leaky_relu(
                torch.einsum("oc,chw->ohw", weights[3].view(WIDTH, WIDTH), x) + weights[4][:, None, None], SLOPE
            )
            torch.testing.assert_close(found[phrase, mask], torch.einsum("c,chw->hw", weights[5], x) + weights[6])


@torch.no_grad()
def test_a_mask_moves_with_its_cell_where_everything_looks_alike() -> None:
    masks = built(0.3)
    seen = torch.randn(1, 1, CHANNELS).expand(1, 2, CHANNELS)
    one, other = masks(torch.ones(1, CHANNELS, 10, 10), seen, torch.tensor([[2 * GRID + 1, 3 * GRID + 2]]))[0]
    step = 20 // GRID
    torch.testing.assert_close(one[:-step, :-step], other[step:, step:])
    assert (one - other).abs().max() > 0.01
