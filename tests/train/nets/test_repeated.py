"""A sub-network that runs several times: what its runs share, and what they do not."""

import pytest
import torch

from spec.refusal import Refused
from train.nets.repeated import RepeatedNet, RepeatedShape, Sharing


def net(sharing, repeats=3, seed=0, **settings):
    shape = RepeatedShape((8, 8, 1), 10, width=4, blocks=2, repeats=repeats)
    return RepeatedNet(shape, sharing, generator=torch.Generator().manual_seed(seed), **settings)


def free_weights(model):
    return sum(p.numel() for p in (*model.own.parameters(), *model.rings.parameters()))


@pytest.mark.parametrize("sharing", list(Sharing))
@pytest.mark.parametrize("repeats", [1, 2, 4])
def test_degrees_of_freedom(sharing, repeats):
    model = net(sharing, repeats)
    one = 2 * 2 * 9 * 4 * 4
    assert model.shape.subnet_weights == one
    assert free_weights(model) == one * (repeats if sharing is Sharing.UNSHARED else 1)
    assert [ring.name for ring in model.rings] == {
        Sharing.RING: ["ring"], Sharing.BLOCK_RINGS: ["block0", "block1"],
    }.get(sharing, [])


def test_runs_share_batch_norms_only_where_told():
    assert len(net(Sharing.RING).norms) == 12
    assert len(net(Sharing.RING, own_norms=False).norms) == 4


@pytest.mark.parametrize("own_norms", [True, False])
@pytest.mark.parametrize("sharing", list(Sharing))
def test_it_learns_in_every_free_weight(sharing, own_norms, images):
    model = net(sharing, own_norms=own_norms)
    assert model(images).shape == (8, 10)
    model(images).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_tied_is_unshared_with_equal_weights(images):
    tied, unshared = net(Sharing.TIED).eval(), net(Sharing.UNSHARED, seed=1).eval()
    state = unshared.state_dict()
    state |= {name: value for name, value in tied.state_dict().items() if not name.startswith("own")}
    for i in range(12):
        state[f"own.tensors.{i}"] = tied.state_dict()[f"own.tensors.{i % 4}"]
    unshared.load_state_dict(state)
    assert torch.allclose(tied(images), unshared(images), atol=1e-6)


def test_every_run_of_a_ring_has_other_weights():
    ring, = net(Sharing.RING).rings
    drawn = ring.draw()
    first, second = drawn["run0.block0.conv1"], drawn["run1.block0.conv1"]
    assert not torch.allclose(first.abs(), second.abs())


def test_a_run_changes_the_output(images):
    model = net(Sharing.TIED, own_norms=False, repeats=2).eval()
    once = net(Sharing.TIED, own_norms=False, repeats=1, seed=3).eval()
    once.load_state_dict(model.state_dict())
    assert not torch.allclose(model(images), once(images))


def test_impossible_shapes_are_refused():
    with pytest.raises(Refused, match="must be at least 1"):
        RepeatedShape((8, 8, 1), 10, repeats=0)
