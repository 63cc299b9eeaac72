"""Multiscale blocks: shapes, degrees of freedom, what an image's features depend on."""

import pytest
import torch

from spec.refusal import Refused
from train.equilibrium.multiscale import MultiscaleNet, MultiscaleShape, multiscale_slots
from train.equilibrium.solver import Anderson, Convergence
from train.nets.repeated import Sharing


def net(repeats, scales=(4, 8), seed=0, **settings):
    shape = MultiscaleShape((8, 8, 1), 10, scales)
    settings = {"solver": Anderson(1e-5, 200), "convergence": Convergence(0)} | settings
    return MultiscaleNet(shape, repeats, generator=torch.Generator().manual_seed(seed), **settings)


@pytest.mark.parametrize("scales", [(4, 8), (4, 4, 8)])
@pytest.mark.parametrize("repeats", [0, 1, 3])
def test_it_learns_in_every_parameter(repeats, scales, images):
    model = net(repeats, scales)
    logits = model(images)
    assert logits.shape == (8, 10)
    (logits - torch.arange(10)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_degrees_of_freedom_are_those_of_one_block():
    block = 2 * 9 * (4 * 4 + 8 * 8) + 9 * 4 * 8 + 8 * 4
    for repeats in (0, 1, 2, 4):
        assert net(repeats).degrees_of_freedom == block == net(repeats).shape.block_weights
    assert net(3, sharing=Sharing.UNSHARED).degrees_of_freedom == 3 * block
    assert len(multiscale_slots(MultiscaleShape((8, 8, 1), 10), 2)) == 2 * (2 * 2 + 2)


def test_the_equilibrium_is_a_fixed_point_of_the_tied_block(images):
    model = net(0).eval()
    with torch.no_grad():
        found = model(images)
        model.repeats = 60
        model.norms.extend([model.norms[0]] * 59)
        assert torch.allclose(model(images), found, atol=1e-3)
        model.repeats = 2
        assert not torch.allclose(model(images), found, atol=1e-2)


def test_runs_draw_different_weights_from_one_ring():
    ring, = net(2).rings
    drawn = ring.draw()
    first, second = (drawn[f"run{run}.scale0.conv1"].detach().flatten() for run in (0, 1))
    assert not torch.equal(first, second)
    assert torch.equal(first.abs().sort().values, second.abs().sort().values)  # The same values, elsewhere.


def test_an_image_does_not_depend_on_its_company(images):
    for repeats in (0, 2):
        model = net(repeats).eval()
        with torch.no_grad():
            assert torch.allclose(model(images)[:1], model(images[:1]), atol=1e-3)


def test_an_untrained_block_has_a_fixed_point_that_is_found_soon(images):
    model = net(0, (16, 32), solver=Anderson())
    with torch.no_grad():
        model(images)
    assert model.convergence.failures == 0
    assert model.convergence.evaluations < 15


@pytest.mark.parametrize(("shape", "message"), [
    (((8, 8, 1), 10, (4,)), "at least two resolutions"), (((8, 8, 1), 10, (4, 0)), "at least two resolutions"),
    (((8, 6, 1), 10, (4, 4, 4)), "sides in multiples of 4 pixels, not 8x6"),
])
def test_impossible_shapes_are_refused(shape, message):
    with pytest.raises(Refused, match=message):
        MultiscaleShape(*shape)
