"""Joints go where the pixels under them go."""

import pytest
import torch

from train.pose.augment import PoseAugmentation


def marked(x, y, joint=10):
    images = torch.zeros(1, 32, 32, 3, dtype=torch.uint8)
    images[0, y - 1 : y + 2, x - 1 : x + 2] = 250
    joints = torch.full((1, 16, 2), 15.0)
    joints[0, joint] = torch.tensor([x, y])
    annotated = torch.zeros(1, 16, dtype=torch.bool)
    annotated[0, joint] = True
    return images, joints, annotated


@pytest.mark.parametrize(("draws", "joint"), [
    ([0.4, 0.5], 15), ([0.6, 0.5], 10), ([0.4, 0.0], 15), ([0.6, 1.0], 10), ([0.4, 0.9], 15),
])
def test_the_mark_stays_under_its_joint(draws, joint):
    images, joints, annotated = PoseAugmentation()(*marked(8, 12), torch.tensor([draws]))
    assert annotated.nonzero().tolist() == [[0, joint]]  # Mirrored, a right wrist is a left one.
    brightness = images[0, :, :, 0].float()
    places = torch.arange(32.0)
    middle = torch.stack([(brightness.sum(0) * places).sum(), (brightness.sum(1) * places).sum()]) / brightness.sum()
    torch.testing.assert_close(joints[0, joint], middle, atol=0.05, rtol=0)


def test_what_leaves_the_image_is_not_annotated():
    _, _, annotated = PoseAugmentation()(*marked(1, 1), torch.tensor([[0.6, 1.0]]))
    assert not annotated.any()


def test_nothing_asked_changes_nothing():
    given = marked(8, 12)
    for before, after in zip(given, PoseAugmentation(False, 0.0)(*given, torch.tensor([[0.1, 0.9]])), strict=True):
        assert torch.equal(before, after)
