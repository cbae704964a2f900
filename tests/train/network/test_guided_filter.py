"""The guided filter is the least-squares fit that it is said to be, and gives a mask the picture's edge."""

from __future__ import annotations

import numpy as np
import torch

from isfp_train.network.guided_filter import GuidedFilter


def by_least_squares(mask: np.ndarray, picture: np.ndarray, radius: int, floor: float) -> np.ndarray:
    """Each window's ridge regression by NumPy, and the mean of all fits at each place: `[h,w]`, `[h,w,3]` -> `[h,w]`."""
    height, width = mask.shape
    fits = np.zeros((height, width, 4))
    for i in range(height):
        for j in range(width):
            rows, columns = slice(max(0, i - radius), i + radius + 1), slice(max(0, j - radius), j + radius + 1)
            colours, wanted = picture[rows, columns].reshape(-1, 3), mask[rows, columns].ravel()
            centred = colours - colours.mean(0)
            weights = np.linalg.solve(
                centred.T @ centred / len(wanted) + floor * np.eye(3), centred.T @ (wanted - wanted.mean()) / len(wanted)
            )
            fits[i, j] = *weights, wanted.mean() - weights @ colours.mean(0)
    result = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            near = fits[max(0, i - radius) : i + radius + 1, max(0, j - radius) : j + radius + 1].reshape(-1, 4).mean(0)
            result[i, j] = near[:3] @ picture[i, j] + near[3]
    return result


def test_at_one_size_it_is_the_mean_of_all_windows_least_squares_fits() -> None:
    rng = np.random.default_rng(0)
    for picture in (rng.random((9, 7, 3)), np.repeat(rng.random((9, 7, 1)), 3, axis=2), np.full((9, 7, 3), 0.3)):
        mask = rng.random((9, 7))
        guide = GuidedFilter(radius=2, floor=1e-3)
        ours = guide(torch.from_numpy(mask)[None, None], torch.from_numpy(picture).permute(2, 0, 1)[None])
        np.testing.assert_allclose(ours[0, 0].numpy(), by_least_squares(mask, picture, 2, 1e-3), atol=1e-9)


def test_a_blurred_mask_gets_the_edge_of_a_grey_picture_in_single_precision() -> None:
    truth = torch.zeros(1, 1, 64, 64)
    truth[..., 13:50, 22:41] = 1
    picture = (0.3 + 0.4 * truth).expand(-1, 3, -1, -1)
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.avg_pool2d(truth, 8), 3, stride=1, padding=1)
    blurred = torch.nn.functional.interpolate(blurred, scale_factor=2.0, mode="bilinear")
    enlarged = torch.nn.functional.interpolate(blurred, scale_factor=4.0, mode="bilinear")
    guided = GuidedFilter(radius=2, floor=1e-4)(blurred, picture)
    assert ((enlarged > 0.5) != (truth > 0.5)).sum() > 50, "the case shows nothing"
    assert ((guided > 0.5) != (truth > 0.5)).sum() == 0


def test_a_picture_without_edges_leaves_an_even_mask_as_it_is() -> None:
    mask = torch.full((2, 1, 8, 8), 0.7)
    torch.testing.assert_close(GuidedFilter(2, 1e-4)(mask, torch.rand(2, 3, 32, 32)), torch.full((2, 1, 32, 32), 0.7))


def test_masks_are_learnt_through_it() -> None:
    guide = GuidedFilter(radius=1, floor=1e-2).double()
    mask = torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: guide(m, torch.linspace(0, 1, 192, dtype=torch.float64).view(1, 3, 8, 8)), mask)
