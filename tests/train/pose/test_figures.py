"""Stick figures: seeded, complete, and drawn where their joints are."""

import numpy as np

from train.pose import figures as room
from train.pose.figures import figures, synthetic_poses
from train.pose.skeleton import JOINTS


def test_a_seed_is_a_set():
    one, again, other = figures(5, 32, 3), figures(5, 32, 3), figures(5, 32, 4)
    assert np.array_equal(one.images, again.images)
    assert np.array_equal(one.joints, again.joints)
    assert not np.array_equal(one.images, other.images)
    data = synthetic_poses(4, 4, 32)
    assert not np.array_equal(data.train.joints, data.held_out.joints)


def test_they_are_people():
    poses = figures(200, 64, 0)
    assert poses.annotated.mean() > 0.95
    assert (poses.heads > 4).all()
    assert (poses.heads < 10).all()
    at = {name: poses.joints[:, number] for number, name in enumerate(JOINTS)}
    assert (at["head top"][:, 1] < at["pelvis"][:, 1]).all()
    assert (at["right shoulder"][:, 0] < at["left shoulder"][:, 0]).all()  # They face the viewer.


def test_most_joints_have_their_figure_s_colour_and_some_are_hidden(monkeypatch):
    monkeypatch.setattr(room, "_RECTANGLES", 0)
    free = figures(100, 64, 0)
    monkeypatch.undo()
    hidden = figures(100, 64, 0)
    number = JOINTS.index("pelvis")
    x, y = (np.rint(free.joints[:, number, axis]).astype(int) for axis in (0, 1))
    every = np.arange(100)
    changed = np.abs(hidden.images[every, y, x].astype(int) - free.images[every, y, x]).max(1) > 100
    assert 0.02 < changed.mean() < 0.4
    thorax = np.rint((free.joints[:, number] + free.joints[:, JOINTS.index("thorax")]) / 2).astype(int)
    torso = free.images[every, thorax[:, 1], thorax[:, 0]].astype(int)
    near = np.abs(torso - free.images[every, y, x]).max(1)
    assert (near < 100).mean() > 0.9  # One part: the same colour but for noise.
