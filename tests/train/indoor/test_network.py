"""Encoder-decoders: shapes, degrees of freedom, what is shared."""

import pytest
import torch

from spec.refusal import Refused
from train.indoor.network import EncoderDecoder, EncoderDecoderShape, encoder_decoder_slots
from train.nets.repeated import Sharing


def net(sharing, runs=2, seed=0, **settings):
    shape = EncoderDecoderShape(side=16, width=4, depth=2, runs=runs)
    return EncoderDecoder(shape, sharing, generator=torch.Generator().manual_seed(seed), **settings)


@pytest.fixture
def views():
    return torch.randint(0, 256, (3, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("sharing", list(Sharing))
@pytest.mark.parametrize("own_norms", [True, False])
def test_it_learns_in_every_parameter(sharing, own_norms, views):
    model = net(sharing, own_norms=own_norms)
    depth, normals = model(views)
    assert (depth.shape, normals.shape) == ((2, 3, 16, 16), (2, 3, 3, 16, 16))
    assert torch.allclose(normals.norm(dim=2), torch.ones(2, 3, 16, 16), atol=1e-5)
    goal = torch.randn(normals.shape, generator=torch.Generator().manual_seed(2))
    ((depth - 1).square().sum() + (normals * goal).sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_degrees_of_freedom_are_those_of_one_run():
    one = net(Sharing.UNSHARED, 1).degrees_of_freedom
    assert one == EncoderDecoderShape(16, 4, 2, 1).subnet_weights
    for sharing in (Sharing.TIED, Sharing.RING, Sharing.BLOCK_RINGS):
        assert net(sharing).degrees_of_freedom == one
    assert net(Sharing.UNSHARED).degrees_of_freedom == 2 * one


def test_rings_are_one_or_one_for_each_block():
    blocks = {slot.name.split(".")[1] for slot in encoder_decoder_slots(EncoderDecoderShape(16, 4, 2, 2))}
    assert [len(net(s).rings) for s in (Sharing.TIED, Sharing.RING, Sharing.BLOCK_RINGS)] == [0, 1, len(blocks)]


def test_one_ring_is_not_the_rings_of_blocks():
    one, many = ({n: w for ring in net(s).rings for n, w in ring.draw().items()}
                 for s in (Sharing.RING, Sharing.BLOCK_RINGS))
    assert all(not torch.equal(one[name].abs().sort().values, many[name].abs().sort().values) for name in one)
    assert not torch.equal(one["run0.enter.conv1"], one["run1.enter.conv1"])


def test_tied_is_unshared_with_equal_weights(views):
    tied, unshared = net(Sharing.TIED).eval(), net(Sharing.UNSHARED, seed=1).eval()
    own = tied.state_dict()
    state = {name: value for name, value in own.items() if not name.startswith("own")}
    per_run = len(tied.own.tensors)
    state |= {f"own.tensors.{i}": own[f"own.tensors.{i % per_run}"] for i in range(len(unshared.own.tensors))}
    unshared.load_state_dict(state)
    for one, other in zip(tied(views), unshared(views), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_the_second_run_sees_what_the_first_found(views):
    model = net(Sharing.TIED, own_norms=False).eval()
    with torch.no_grad():
        before = model(views)[0]
        model.ends.tensors[2].add_(1.0)  # From the first run's answer to the second.
        after = model(views)[0]
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def test_impossible_shapes_are_refused():
    for wrong, message in (
        ({"width": 0}, "must be at least 1"), ({"side": 20}, "multiples of 8 pixels, not 20"),
        ({"width": 4096, "side": 64, "depth": 5}, "more than the .* allowed"),
    ):
        with pytest.raises(Refused, match=message):
            EncoderDecoderShape(**wrong)
