"""The drawing of joints: every bone of a figure, and every joint that is known."""

import numpy as np

from train.pose.figures import figures
from train.pose.picture import BONES, picture
from train.pose.skeleton import JOINTS


def test_bones_join_all_joints_to_one_figure():
    joined = {0}
    for _ in BONES:
        joined |= {end for bone in BONES if set(bone) & joined for end in bone}
    assert joined == set(range(len(JOINTS)))
    assert len(BONES) == len(JOINTS) - 1  # a tree


def test_a_figure_for_every_image():
    poses = figures(3, 16, 0)
    svg = picture(poses.images, poses.joints, poses.joints, np.ones((3, 16), bool), "Three <people>")
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert svg.count("data:image/png;base64,") == 3
    assert 'aria-label="Three &lt;people&gt;"' in svg
    assert svg.count('stroke: #e0301e') == 3 * len(BONES)
    fewer = picture(poses.images, poses.joints, poses.joints, np.zeros((3, 16), bool), "Three")
    assert svg.count("#ffffff") > fewer.count("#ffffff")
