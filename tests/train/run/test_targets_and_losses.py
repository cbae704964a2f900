"""Each rule of Eq. 4 to 8, on cases worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from isfp_train.run.losses import (
    LossConfig,
    box_loss,
    cell_weights,
    centre_loss,
    choice_loss,
    coarse_iou,
    identifying_loss,
    refinement_loss,
    segmentation_loss,
)
from isfp_train.run.targets import bounding_boxes, centre_cells, coarse_masks, identifying_target, positive_cells, some_positives


def rectangle(top: int, left: int, bottom: int, right: int, size: int = 13) -> torch.Tensor:
    mask = torch.zeros(1, size, size, dtype=torch.bool)
    mask[0, top:bottom, left:right] = True
    return mask


def test_gravity_centre_of_a_rectangle_is_its_middle() -> None:
    assert centre_cells(rectangle(4, 2, 7, 5), 13).tolist() == [[5, 3]]


def test_gravity_centre_is_not_the_boxs_centre() -> None:
    mask = rectangle(0, 0, 1, 13) | rectangle(0, 0, 13, 1)  # an L: its mass lies towards the corner
    assert centre_cells(mask, 13).tolist() == [[3, 3]]


def test_empty_mask_has_no_centre_and_an_empty_target() -> None:
    centres = centre_cells(torch.zeros(1, 13, 13, dtype=torch.bool), 13)
    assert centres.tolist() == [[-1, -1]]
    cells, counts = positive_cells(centres, 13)
    assert not counts.any()
    assert identifying_target(cells, counts, 13).sum() == 0


@pytest.mark.parametrize(("centre", "positives"), [((5, 3), 9), ((0, 0), 4), ((12, 12), 4), ((0, 6), 6), ((7, 12), 6)])
def test_positive_grids_are_three_by_three_clipped_at_the_border(centre: tuple[int, int], positives: int) -> None:
    cells, counts = positive_cells(torch.tensor([centre]), 13)
    target = identifying_target(cells, counts, 13)[0]
    assert target.sum() == positives
    assert set(target.unique().tolist()) == {0.0, 1.0}
    rows, columns = torch.nonzero(target, as_tuple=True)
    assert (rows - centre[0]).abs().max() <= 1
    assert (columns - centre[1]).abs().max() <= 1


def test_channel_is_row_times_s_plus_column() -> None:
    cells, _ = positive_cells(torch.tensor([[5, 3]]), 13)
    assert cells[0, 4] == 5 * 13 + 3


def test_coarse_mask_is_the_share_that_is_covered() -> None:
    mask = torch.zeros(1, 16, 16, dtype=torch.bool)
    mask[0, :8, :4] = True
    assert coarse_masks(mask).tolist() == [[[0.5, 0.0], [0.0, 0.0]]]


def test_identifying_loss_of_even_odds_is_log_two() -> None:
    assert identifying_loss(torch.zeros(1, 3, 3), torch.ones(1, 3, 3)).item() == pytest.approx(math.log(2))


def test_a_mask_learns_most_at_its_centre() -> None:
    """An object's neighbour cells can be the centres of others, whose masks they should give."""
    _, counts = positive_cells(torch.tensor([[2, 2], [0, 0], [-1, -1]]), 5)
    weights = cell_weights(counts, 0.25)
    assert weights[0].tolist() == [0.25] * 4 + [1.0] + [0.25] * 4
    assert weights[1].tolist() == [0.0] * 4 + [1.0, 0.25, 0.0, 0.25, 0.25]
    assert weights[2].sum() == 0
    logits, target = torch.zeros(1, 9, 2, 2, requires_grad=True), torch.ones(1, 2, 2)
    segmentation_loss(logits, target, weights[:1], "mean").backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad[0, 4], 4 * logits.grad[0, 0])
    torch.testing.assert_close(cell_weights(counts, 1.0), counts.float())


def test_segmentation_loss_takes_positive_channels_only() -> None:
    logits = torch.zeros(1, 2, 2, 2, requires_grad=True)
    target, counts = torch.ones(1, 2, 2), torch.tensor([[True, False]])
    assert segmentation_loss(logits, target, counts, "sum").item() == pytest.approx(4 * math.log(2))
    assert segmentation_loss(logits, target, counts, "mean").item() == pytest.approx(math.log(2))
    segmentation_loss(logits, target, counts).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0].abs().sum() > 0
    assert logits.grad[0, 1].abs().sum() == 0


def test_nothing_to_find_costs_no_mask() -> None:
    logits = torch.randn(1, 9, 2, 2, requires_grad=True)
    loss = segmentation_loss(logits, torch.zeros(1, 2, 2), torch.zeros(1, 9, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().sum() == 0


def test_dice_falls_as_the_mask_fits_better() -> None:
    target, counts = torch.eye(4)[None], torch.ones(1, 1, dtype=torch.bool)
    good, bad = ((target[:, None] * 2 - 1) * sign * 8 for sign in (1, -1))
    without = [segmentation_loss(x, target, counts, "mean") for x in (good, bad)]
    beside = [segmentation_loss(x, target, counts, "mean", dice=1.0) for x in (good, bad)]
    assert beside[0] - without[0] < 0.02
    assert beside[1] - without[1] > 0.8


@pytest.mark.parametrize(("overlap", "learns"), [(2, False), (3, True)])
def test_refinement_learns_from_an_iou_of_theta_on(overlap: int, learns: bool) -> None:
    """Ten places in all: 2/10 is below θ = 0.3, 3/10 reaches it."""
    target = torch.zeros(1, 1, 10)
    target[0, 0, :] = 1
    shown = torch.full((1, 1, 10), -1.0)
    shown[0, 0, :overlap] = 1
    right = coarse_iou(shown, target) >= LossConfig().theta
    assert right.item() is learns
    loss = refinement_loss(torch.zeros(1, 2, 2, requires_grad=True), torch.ones(1, 2, 2), right)
    assert loss.item() == pytest.approx(math.log(2) if learns else 0)


def test_weights_are_the_papers() -> None:
    config = LossConfig()
    assert (config.w_ide, config.w_seg, config.w_ref, config.theta) == (10.0, 0.03, 0.5, 0.3)


def test_choice_loss_is_the_log_of_the_positive_cells_share_and_nothing_for_what_is_not_there() -> None:
    logits = torch.tensor([[[0.0, 1.0], [2.0, 3.0]], [[5.0, 0.0], [0.0, 0.0]]])
    target = torch.tensor([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    powers = torch.tensor([0.0, 1.0, 2.0, 3.0]).exp()
    wanted = -torch.log((powers[1] + powers[3]) / powers.sum()) / 2
    torch.testing.assert_close(choice_loss(logits, target), wanted)


def test_with_nothing_as_a_choice_a_sure_cell_costs_where_nothing_is_meant() -> None:
    logits, target = torch.randn(2, 3, 3), torch.zeros(2, 3, 3)
    target[0, 1, 1] = 1
    shares = torch.cat((logits.flatten(1), torch.zeros(2, 1)), dim=1).log_softmax(dim=1)
    torch.testing.assert_close(choice_loss(logits, target, nothing=True), -(shares[0, 4] + shares[1, 9]) / 2)
    quiet, sure = torch.full((1, 3, 3), -9.0), torch.full((1, 3, 3), -9.0)
    sure[0, 2, 2] = 3.0
    assert choice_loss(quiet, target[1:], nothing=True) < 0.01 < 3 < choice_loss(sure, target[1:], nothing=True)


def test_outline_weighs_what_lies_near_the_true_outline() -> None:
    masks = torch.zeros(1, 64, 64, dtype=torch.bool)
    masks[0, :, :32] = True
    right = torch.where(masks, 8.0, -8.0)
    learns = torch.ones(1, dtype=torch.bool)
    near, far = right.clone(), right.clone()
    near[0, :, 31], far[0, :, 4] = -8.0, -8.0  # a wrong column each, beside the outline and far from it
    plain = [refinement_loss(logits, masks, learns) for logits in (near, far)]
    weighed = [refinement_loss(logits, masks, learns, outline=4.0) for logits in (near, far)]
    torch.testing.assert_close(plain[0], plain[1])
    torch.testing.assert_close(weighed[0] / weighed[1], torch.tensor([5.0]), rtol=1e-2, atol=0)


def test_a_bounding_box_touches_the_outermost_pixels() -> None:
    masks = torch.zeros(2, 10, 20, dtype=torch.bool)
    masks[0, 2:5, 4:10] = True
    masks[0, 8, 15] = True
    wanted = torch.tensor([[10 / 20, 5.5 / 10, 6 / 20, 3.5 / 10], [0.5, 0.5, 0.5, 0.5]])
    torch.testing.assert_close(bounding_boxes(masks), wanted)


@pytest.mark.parametrize(
    ("box", "cost"),
    [
        ((0.5, 0.5, 0.1, 0.2), 0.0),
        ((0.5, 0.5, 0.2, 0.2), 0.5),  # half of the larger box, which is also the hull
        ((0.7, 0.5, 0.1, 0.2), 1.0),  # touching: no overlap, and no gap in the hull
        ((0.9, 0.5, 0.1, 0.2), 1 + 1 / 3),  # a third of the hull is a gap
    ],
)
def test_a_boxs_loss_is_one_minus_giou(box: tuple[float, ...], cost: float) -> None:
    truth = torch.tensor([[0.5, 0.5, 0.1, 0.2]])
    boxes = torch.tensor([[(0.1, 0.1, 0.3, 0.3), box]])
    assert box_loss(boxes, truth, torch.tensor([[0.0, 1.0]])).tolist() == pytest.approx([cost], abs=1e-5)


@pytest.mark.parametrize("number", [1, 3, 5, 9])
def test_some_positive_cells_keep_the_centre_in_the_middle(number: int) -> None:
    cells, counts = positive_cells(torch.tensor([[5, 3], [0, 0]]), 13)
    kept, inside = some_positives(cells, counts, number, torch.Generator().manual_seed(number))
    assert kept.shape == inside.shape == (2, number)
    assert kept[:, number // 2].tolist() == [5 * 13 + 3, 0]
    assert len(set(kept[0].tolist())) == number
    for row in range(2):
        places = {int(cell) for cell, here in zip(cells[row], counts[row], strict=True) if here}
        assert {int(cell) for cell, here in zip(kept[row], inside[row], strict=True) if here} <= places


def test_all_neighbours_have_their_turn() -> None:
    cells, counts = positive_cells(torch.tensor([[5, 3]]), 13)
    draw = torch.Generator().manual_seed(0)
    seen = {int(cell) for _ in range(60) for cell in some_positives(cells, counts, 3, draw)[0][0]}
    assert seen == set(cells[0].tolist())


def test_the_centres_share_is_that_among_an_objects_own_cells() -> None:
    cells, counts = positive_cells(torch.tensor([[5, 3], [0, 0], [-1, -1]]), 13)
    logits = torch.zeros(3, 13, 13)
    logits[:, 9, 9] = 20.0  # another object is not concerned
    expected = (math.log(9) + math.log(4)) / 3  # nine cells, four at the corner, none of an absent object
    assert float(centre_loss(logits, cells, counts)) == pytest.approx(expected, rel=1e-5)
    logits[0, 5, 3] = logits[1, 0, 0] = 20.0
    assert float(centre_loss(logits.requires_grad_(), cells, counts)) == pytest.approx(0, abs=1e-6)
    centre_loss(logits, cells, counts).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
