"""A set of poses checks itself, and knows its heads."""

import numpy as np
import pytest

from spec.refusal import Refused
from train.pose.poses import PoseData, Poses


def people(count=2):
    joints = np.zeros((count, 16, 2), np.float32)
    joints[:, 9] = 3, 4
    return Poses(np.zeros((count, 8, 8, 3), np.uint8), joints, np.ones((count, 16), bool))


def test_heads_where_both_ends_are_known():
    poses = people()
    poses.annotated[1, 8] = False
    assert poses.heads.tolist() == [5, 0]


def test_first_and_digest():
    data = PoseData("a", people(), people())
    assert len(data.train.first(1)) == 1
    before = data.digest
    data.held_out.joints[1, 3, 0] += 1
    assert PoseData("a", data.train, data.held_out).digest != before


def test_other_skeletons_and_no_joints_are_refused():
    good = people()
    with pytest.raises(Refused, match=r"need joints \(2, 16, 2\).* not \(2, 17, 2\)"):
        Poses(good.images, np.zeros((2, 17, 2)), np.ones((2, 17), bool))
    with pytest.raises(Refused, match="None of 2 images has a joint"):
        Poses(good.images, good.joints, ~good.annotated)
