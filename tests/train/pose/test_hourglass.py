"""Stacked hourglasses: shapes, degrees of freedom, what is shared."""

import pytest
import torch

from spec.refusal import Refused
from train.nets.repeated import Sharing
from train.pose.hourglass import HourglassShape, StackedHourglass, hourglass_slots


def net(sharing, stacks=2, seed=0, **settings):
    shape = HourglassShape(side=16, width=8, depth=2, stacks=stacks)
    return StackedHourglass(shape, sharing, generator=torch.Generator().manual_seed(seed), **settings)


@pytest.fixture
def images():
    return torch.randint(0, 256, (3, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("sharing", list(Sharing))
@pytest.mark.parametrize("own_norms", [True, False])
def test_it_learns_in_every_free_weight(sharing, own_norms, images):
    model = net(sharing, own_norms=own_norms)
    maps = model(images)
    assert maps.shape == (2, 3, 16, 4, 4)
    (maps - 1).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    # Remaps of the last sub-network are not there, so all others have a gradient.
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("stacks", [2, 4])
def test_degrees_of_freedom(stacks):
    modules = 3 * 2 + 2
    one = modules * (8 * 4 + 9 * 16 + 4 * 8) + 8 * 8 + 8 * 16
    remaps = 8 * 8 + 16 * 8
    assert net(Sharing.UNSHARED, 1).degrees_of_freedom == one
    for sharing in (Sharing.TIED, Sharing.RING):
        assert net(sharing, stacks).degrees_of_freedom == one + remaps == net(sharing, stacks).shape.subnet_weights
    assert net(Sharing.UNSHARED, stacks).degrees_of_freedom == stacks * one + (stacks - 1) * remaps


def test_the_paper_s_size():
    """Table 4: 3.3 M for a sub-network, 6.7 M for two, 13.3 M for four, stem included or not."""
    count = {n: sum(s.weight_count for s in hourglass_slots(HourglassShape(stacks=n))) / 1e6 for n in (1, 2, 4)}
    assert [count[n] for n in (1, 2, 4)] == pytest.approx([3.3, 6.7, 13.3], rel=0.1)


def test_tied_is_unshared_with_equal_weights(images):
    tied, unshared = net(Sharing.TIED).eval(), net(Sharing.UNSHARED, seed=1).eval()
    state, own = unshared.state_dict(), tied.state_dict()
    state |= {name: value for name, value in own.items() if not name.startswith("own")}
    per_run = len(tied.own.tensors)
    state |= {f"own.tensors.{i}": own[f"own.tensors.{i % per_run}"] for i in range(len(unshared.own.tensors))}
    unshared.load_state_dict(state)
    assert torch.allclose(tied(images), unshared(images), atol=1e-5)


def test_norms_are_shared_only_where_told():
    assert [len(net(Sharing.RING, 4, own_norms=own).norms) for own in (True, False)] == [4, 1]


def test_every_scale_reaches_every_cell(images):
    """The middle of an hourglass of depth 2 sees a map of 4x4 as a whole."""
    model = net(Sharing.UNSHARED, 1).eval()
    changed = images.clone()
    changed[:, 0, 0] = 255 - changed[:, 0, 0]
    difference = (model(images) - model(changed)).abs().sum((0, 2))
    assert (difference > 0).all()


def test_impossible_shapes_are_refused():
    for wrong, message in (
        ({"width": 6}, "width in multiples of 4"), ({"stacks": 0}, "at least one of depth and stacks"),
        ({"side": 100}, "multiples of 64 pixels, not 100"), ({"width": 4096}, "more than the .* allowed"),
    ):
        with pytest.raises(Refused, match=message):
            HourglassShape(**wrong)
