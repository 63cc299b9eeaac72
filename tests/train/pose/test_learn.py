"""Learning lowers the error, and is the same from the same seed."""

import numpy as np
import pytest
import torch

from spec.refusal import Refused
from train.nets.repeated import Sharing
from train.pose.figures import figures
from train.pose.heatmaps import heat_loss, targets
from train.pose.hourglass import HourglassShape, StackedHourglass
from train.pose.learn import PoseRecipe, found_joints, learn, score
from train.pose.pckh import pckh


def trained(poses, **settings):
    torch.set_num_threads(1)
    shape = HourglassShape(side=32, width=8, depth=1, stacks=2)
    model = StackedHourglass(shape, Sharing.RING, generator=torch.Generator().manual_seed(0))
    epochs = []
    learn(model, poses, PoseRecipe(**settings), 0, lambda: epochs.append(1))
    return model, len(epochs)


def test_it_learns_what_it_is_shown():
    poses = figures(8, 32, 0)
    model, epochs = trained(poses, epochs=120, batch=8, lr=1e-2, mirror=False, scale=0)
    assert epochs == 120
    joints, annotated = torch.from_numpy(poses.joints), torch.from_numpy(poses.annotated)
    wanted = targets(joints, 8, 1.5)
    with torch.no_grad():
        learned = heat_loss(model.train()(torch.from_numpy(poses.images))[-1:], wanted, annotated)
    blind = heat_loss(wanted.mean(0).expand(1, 8, -1, -1, -1), wanted, annotated)  # Best without looking.
    assert learned < 0.8 * blind


def test_joints_are_of_every_image_and_judged_by_pckh():
    poses = figures(5, 32, 0)
    model, _ = trained(poses, epochs=1)
    found = found_joints(model, poses.images)
    assert found.shape == (5, 16, 2)
    assert np.array_equal(found[3:], found_joints(model, poses.images[3:]))
    assert score(model, poses) == pckh(found, poses)


def test_the_same_seed_is_the_same_network():
    poses = figures(8, 32, 0)
    one, other = (trained(poses, epochs=2, batch=4)[0].state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_rate_warms_up_and_ends_near_zero():
    recipe = PoseRecipe(epochs=4, lr=1.0)
    rates = [recipe.rate(step, 10) for step in range(40)]
    assert rates[0] < 0.2
    assert max(rates) == rates[9] > 0.8
    assert rates[-1] < 0.01


def test_bad_recipes_and_divergence_are_refused():
    with pytest.raises(Refused, match="at least 1 at positive rates"):
        PoseRecipe(epochs=0)
    with pytest.raises(Refused, match=r"diverged in epoch 1.*lower --lr"):
        trained(figures(8, 32, 0), epochs=3, batch=1, lr=1e30)
