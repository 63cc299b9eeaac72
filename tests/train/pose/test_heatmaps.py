"""Targets, the loss, and where a map is highest."""

import torch

from train.pose.heatmaps import heat_loss, peaks, targets


def test_targets_against_the_equation():
    joints = torch.tensor([[[13.5, 5.5], [12.0, 30.0]]])  # The first in the middle of cell (3, 1).
    maps = targets(joints, 8, sigma=1.5)
    assert maps.shape == (1, 2, 8, 8)
    assert maps[0, 0, 1, 3] == 1
    x, y = (12.0 - 1.5) / 4, (30.0 - 1.5) / 4
    want = torch.exp(torch.tensor(-((2 - x) ** 2 + (5 - y) ** 2) / (2 * 1.5**2)))
    torch.testing.assert_close(maps[0, 1, 5, 2], want)


def test_peaks_undo_targets_to_a_quarter_of_a_cell():
    random = torch.Generator().manual_seed(0)
    joints = 4 + 54 * torch.rand(50, 16, 2, generator=random)
    errors = (peaks(targets(joints, 16)) - joints).abs()
    assert errors.max() <= 1.0 + 1e-4  # Half a cell is 2 pixels; toward the neighbour leaves 1.
    swapped = peaks(targets(joints, 16).transpose(2, 3)) - joints.flip(2)
    assert swapped.abs().max() <= 1.0 + 1e-4


def test_peaks_at_edges_stay_there():
    maps = torch.zeros(1, 2, 4, 4)
    maps[0, 0, 0, 0] = maps[0, 1, 3, 3] = 1
    assert peaks(maps).tolist() == [[[1.5, 1.5], [13.5, 13.5]]]


def test_loss_is_of_annotated_joints_and_of_every_sub_network():
    wanted = torch.zeros(2, 3, 4, 4)
    maps = torch.ones(2, 2, 3, 4, 4)
    maps[1] = 2
    annotated = torch.tensor([[True, False, False], [False, False, True]])
    maps[:, ~annotated] = 100
    assert heat_loss(maps, wanted, annotated) == 1 + 4
    assert heat_loss(maps, wanted, torch.zeros_like(annotated)) == 0
