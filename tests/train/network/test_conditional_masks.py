"""The small network of each cell: without effect at first, with its own weights, and bound to the place of its cell or its box."""

from __future__ import annotations

import torch
from torch.nn import functional

from isfp_train.network.cell_boxes import FURTHEST, CellBoxes
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
    found, boxes = masks(features, seen, cells)
    assert boxes is None
    assert found.shape == (2, 3, 20, 20)
    assert found.abs().max() == 0
    (found - 1).square().sum().backward()
    assert masks.controller[2].weight.grad is not None
    assert masks.controller[2].weight.grad.abs().sum() > 0


@torch.no_grad()
def test_each_cell_computes_its_mask_with_its_own_weights() -> None:
    masks = built(0.3)
    features, seen, cells = torch.randn(2, CHANNELS, 10, 10), torch.randn(2, 3, CHANNELS), torch.randint(0, 25, (2, 3))
    found, _ = masks(features, seen, cells)
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
    one, other = masks(torch.ones(1, CHANNELS, 10, 10), seen, torch.tensor([[2 * GRID + 1, 3 * GRID + 2]]))[0][0]
    step = 20 // GRID
    torch.testing.assert_close(one[:-step, :-step], other[step:, step:])
    assert (one - other).abs().max() > 0.01


@torch.no_grad()
def test_a_mask_follows_its_box_in_place_and_size_where_everything_looks_alike() -> None:
    """Points at the same place of two boxes get the same logits."""
    torch.manual_seed(0)
    masks = ConditionalMasks(CHANNELS, WIDTH, 1, GRID, SLOPE, boxes=True).eval()
    torch.nn.init.normal_(masks.controller[2].weight, std=0.3)
    features, seen, cells = torch.ones(1, CHANNELS, 40, 40), torch.randn(1, 1, CHANNELS), torch.tensor([[12]])
    small, boxes = masks(features, seen, cells)
    assert boxes is not None
    torch.testing.assert_close(boxes[0, 0], torch.tensor([0.5, 0.5, 2 / GRID, 2 / GRID]))
    masks.boxes.head[2].bias.copy_(torch.tensor([-0.25, 0.25, -0.6931472, -0.6931472]))  # half the size, half a cell away
    moved, boxes = masks(features, seen, cells)
    torch.testing.assert_close(boxes[0, 0], torch.tensor([0.4, 0.6, 1 / GRID, 1 / GRID]))
    large, near = small[0, 0, 2:38, 2:38], moved[0, 0, 15:33, 7:25]
    torch.testing.assert_close(near, functional.avg_pool2d(large[None], 2)[0], atol=0.3, rtol=0)
    assert (near - large[9:27, 9:27]).abs().max() > 0.5


@torch.no_grad()
def test_a_point_outside_its_box_loses_with_its_distance_but_not_without_end() -> None:
    boxes = CellBoxes(CHANNELS, GRID, SLOPE)
    down, right = boxes.offsets(torch.tensor([[[0.5, 0.5, 0.1, 0.05]]]), 100, 100)
    lost = boxes.outside(down, right)[0, 0]
    assert lost[46:54, 41:59].max() == 0
    torch.testing.assert_close(lost[50, 60:80], torch.arange(20) * 0.1 + 0.05)
    assert lost.max() == 2 * (FURTHEST - 1)


def test_masks_do_not_train_boxes_and_true_boxes_do() -> None:
    masks = ConditionalMasks(CHANNELS, WIDTH, DETAIL, GRID, SLOPE, boxes=True)
    found, boxes = masks(torch.randn(1, CHANNELS, 10, 10), torch.randn(1, 2, CHANNELS), torch.tensor([[3, 12]]))
    found.square().sum().backward(retain_graph=True)
    assert masks.boxes.head[2].weight.grad is None
    assert masks.boxes.steepness.grad.abs() > 0
    boxes.sum().backward()
    assert masks.boxes.head[2].weight.grad.abs().sum() > 0


@torch.no_grad()
def test_masks_that_read_the_frame_see_what_a_place_of_the_features_cannot() -> None:
    torch.manual_seed(0)
    masks = ConditionalMasks(CHANNELS, WIDTH, DETAIL, GRID, SLOPE, pixels=8).eval()
    torch.nn.init.normal_(masks.controller[2].weight, std=3.0)
    frame = torch.zeros(1, 80, 80, 3, dtype=torch.uint8)
    changed = frame.clone()
    changed[0, 40:44, 40:44] = 255  # one point of the mask, a quarter of a place of the features
    features, seen, cells = torch.randn(1, CHANNELS, 10, 10), torch.randn(1, 1, CHANNELS), torch.tensor([[12]])
    one, other = (masks(features, seen, cells, masks.of_frame(picture))[0][0, 0] for picture in (frame, changed))
    gap = (one - other).abs()
    assert one.shape == (20, 20)
    assert gap[10, 10] > 1e-3
    assert gap[:8].max() == gap[13:].max() == gap[:, :8].max() == gap[:, 13:].max() == 0
