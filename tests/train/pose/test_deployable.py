"""Hourglasses of the spec as they are trained, and in integers."""

import numpy as np
import pytest
import torch

from spec import golden, vectors
from spec.block import Stem
from spec.hourglass import hourglass
from spec.layer import Role
from spec.numerics import max_pool
from spec.topologies import drawn
from train.deploy.calibration import calibrate
from train.deploy.deployed import DeployedNet
from train.deploy.ring_integers import round_rings
from train.nets.config import Method, ModelConfig
from train.nets.ring_plan import Rings
from train.pose.deployable import DeployableHourglass, deployed, deployed_score, pose_network
from train.pose.figures import figures
from train.pose.heatmaps import peaks
from train.pose.learn import PoseRecipe, learn
from train.pose.pckh import pckh

SMALL = {"side": 32, "depth": 2, "iterations": 2}
CONFIG = ModelConfig.of(Method.HFN, width=8, density=0.5, affine=True)


@pytest.fixture(scope="module")
def poses():
    return figures(12, 32, 0)


@pytest.fixture(scope="module")
def model(poses):
    """A few steps old, so that its batch norms are no longer those of the beginning."""
    torch.set_num_threads(1)
    net = pose_network("pose", CONFIG, stacks=2, **SMALL)
    made = DeployableHourglass(net, CONFIG, torch.Generator().manual_seed(0))
    learn(made, poses, PoseRecipe(epochs=3, batch=4), 0)
    return made.eval()


def test_cells_are_those_of_the_last_map(model):
    assert model.cells == 8
    assert model(torch.zeros(2, 32, 32, 3, dtype=torch.uint8)).shape == (1, 2, 16, 8, 8)


def test_every_stored_activation_is_the_trained_one_rounded(model, poses):
    """To a few steps of its scale: each layer rounds once, and sums of maps add their errors."""
    scales = calibrate(model.net, poses.images)
    stored = {s.layer.name + f"@{s.iteration}": s.values for s in _trace(model, poses)}
    seen = {}
    model.net(
        torch.from_numpy(poses.images),
        lambda layer, iteration, values: seen.__setitem__(f"{layer.name}@{iteration}", (layer, values.detach())),
    )
    assert list(seen) == list(stored)
    for name, (layer, values) in seen.items():
        float_steps = (values / scales.steps[layer.name]).permute(0, 2, 3, 1).numpy()
        assert np.abs(float_steps - stored[name]).mean() < 6, name
    assert {layer.role for layer, _ in seen.values()} == set(Role) - {Role.CLASSIFIER, Role.SHORTCUT}


def _trace(model, poses):
    integers = deployed(model, poses.images, {})
    trace = golden.run(integers, poses.images)
    head = golden.Stored(integers.network.layers[-1], 0, trace.logits)
    return [*trace.stored, head]


def test_pools_have_the_scale_of_what_they_read(poses):
    """Behind a projection, which has a scale of its own, so it is not that of the stem."""
    net = hourglass("h", image=(32, 32, 3), joints=16, width=8, depth=2, stacks=2, stem=Stem(7, 4, 3, 4))
    made = DeployableHourglass(net, CONFIG, torch.Generator().manual_seed(0)).eval()
    scales = calibrate(made.net, poses.images)
    for step in net.once:
        if step.layer.role is Role.POOL:
            assert scales.steps[step.layer.name] == scales.steps[net.once[step.source].layer.name]
            assert scales.steps[step.layer.name] != scales.steps["stem"]
    assert len(net.pools) == 4


def test_the_integers_of_both_models_agree_and_are_judged_by_their_peaks(model, poses):
    integers = deployed(model, poses.images, {"by": "test"})
    want, got = golden.run(integers, poses.images), DeployedNet(integers).run(poses.images)
    assert vectors.difference(want, got) is None
    assert integers.provenance == {"by": "test"}
    found = peaks(torch.from_numpy(got.logits.astype(np.int32)).permute(0, 3, 1, 2)).numpy()
    assert deployed_score(integers, poses) == pckh(found, poses)
    with torch.no_grad():
        floats = peaks(model(torch.from_numpy(poses.images))[-1]).numpy()
    assert np.median(np.linalg.norm(found - floats, axis=2)) <= 4  # a cell


def test_weights_from_a_ring(poses):
    config = ModelConfig.of(Method.HFN, width=8, density=0.5, rings=Rings(dof=1024))
    net = pose_network("pose", config, **SMALL)
    made = DeployableHourglass(net, config, torch.Generator().manual_seed(0))
    learn(made, poses, PoseRecipe(epochs=2, batch=4), 0)
    round_rings(made.net, planes=3)
    integers = deployed(made, poses.images, {})
    assert [ring.planes for ring in integers.network.rings] == [3]
    assert integers.network == drawn(net, *integers.network.rings)
    want, got = golden.run(integers, poses.images), DeployedNet(integers).run(poses.images)
    assert vectors.difference(want, got) is None


def test_a_pool_takes_the_largest_of_the_integers(model, poses):
    stored = {s.layer.name: s.values for s in _trace(model, poses)}
    assert np.array_equal(stored["stack1.down2.pool"], max_pool(stored["enter.conv2"], 3, 2, 1))
