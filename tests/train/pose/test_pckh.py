"""PCKh on errors of known size."""

import numpy as np
import pytest

from spec.refusal import Refused
from train.pose.pckh import pckh
from train.pose.poses import Poses


def people():
    joints = np.zeros((2, 16, 2), np.float32)
    joints[0, 9], joints[1, 9] = (10, 0), (0, 20)
    return Poses(np.zeros((2, 4, 4, 3), np.uint8), joints, np.ones((2, 16), bool))


def test_half_of_a_head_counts_and_more_does_not():
    poses = people()
    found = poses.joints.copy()
    assert pckh(found, poses) == 1
    found[0, 0, 1] += 5.0  # exactly half of 10
    assert pckh(found, poses) == 1
    found[0, 0, 1] += 0.1
    assert pckh(found, poses) == pytest.approx(27 / 28)
    found[1, 0, 1] += 9.9  # its head is longer
    assert pckh(found, poses) == pytest.approx(27 / 28)
    assert pckh(found, poses, share=0.3) == pytest.approx(26 / 28)


def test_pelvis_thorax_unknown_joints_and_unknown_heads_do_not_count():
    poses = people()
    found = poses.joints.copy()
    found[:, 6:8] += 100
    found[0, 3] += 100
    poses.annotated[0, 3] = False
    assert pckh(found, poses) == 1
    found[1, 3] += 100
    assert pckh(found, poses) == pytest.approx(26 / 27)
    poses.annotated[1, 8] = False
    assert pckh(found, poses) == 1
    poses.annotated[0, 9] = False
    with pytest.raises(Refused, match="No joint can be judged"):
        pckh(found, poses)
