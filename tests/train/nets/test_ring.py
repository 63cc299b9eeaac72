"""A ring draws what its addresses say, and its gradient is the sum over all uses."""

import numpy as np
import pytest
import torch

from train.nets.addressing import Addressing, Slot, usage
from train.nets.ring import RING_SIGMA, Ring, Unshared


def ring_of(slots, size=112, addressing=Addressing.ELEMENT, flips=True, seed=0):
    return Ring("r", size, slots, addressing=addressing, flips=flips, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("addressing", list(Addressing))
@pytest.mark.parametrize("size", [16, 4096])
def test_draws_what_the_addresses_say(slots, addressing, size):
    ring = ring_of(slots, size, addressing)
    values, place = ring.free.detach().flatten(), 0
    for slot in slots:
        weight = ring.draw()[slot.name].detach()
        assert weight.shape == slot.shape
        for got in weight.flatten()[:50]:
            address = int(ring.table[place])
            sign = -1 if address >= size else 1
            want = sign * values[address % size] * (slot.sigma / RING_SIGMA)
            assert torch.isclose(got, want, rtol=1e-6)
            place += 1
        place += slot.weight_count - min(50, slot.weight_count)


@pytest.mark.parametrize("addressing", list(Addressing))
def test_gradient_is_the_sum_over_all_uses(slots, addressing):
    ring = ring_of(slots, 112, addressing)
    generator = torch.Generator().manual_seed(1)
    upstream = {slot.name: torch.randn(slot.shape, generator=generator) for slot in slots}
    sum((weight * upstream[name]).sum() for name, weight in ring.draw().items()).backward()
    want, place = np.zeros(112), 0
    for slot in slots:
        for g in upstream[slot.name].flatten().tolist():
            address = int(ring.table[place])
            want[address % 112] += (-1 if address >= 112 else 1) * g * slot.sigma / RING_SIGMA
            place += 1
    assert np.allclose(ring.free.grad.flatten().numpy(), want, rtol=1e-4, atol=1e-4)


def test_every_slot_starts_at_its_kaiming_variance():
    shapes = [(64, 3, 3, 16), (64, 1, 1, 64), (32, 3, 3, 64)]
    slots = [Slot(f"s{i}", shape, i + 1, gain) for i, (shape, gain) in enumerate(zip(shapes, (2, 1, 2), strict=True))]
    for source in (ring_of(slots, 8192), Unshared(slots, torch.Generator().manual_seed(0))):
        drawn = source.draw()
        for slot in slots:
            fan_in = slot.weight_count / slot.shape[0]
            assert slot.sigma == pytest.approx((slot.gain / fan_in) ** 0.5)
            assert float(drawn[slot.name].detach().std()) == pytest.approx(slot.sigma, rel=0.06)


def test_the_state_is_the_free_vector_and_seeds_give_the_rest_again(slots):
    ring, again = ring_of(slots, seed=0), ring_of(slots, seed=1)
    assert list(ring.state_dict()) == ["free"]
    assert ring.state_dict()["free"].numel() == 112
    again.load_state_dict(ring.state_dict())
    for name, weight in ring.draw().items():
        assert torch.equal(weight, again.draw()[name])


def test_another_seed_decodes_another_network(slots):
    """The seeds are the key to the weights (RPG, section 5.6, "Security")."""
    ring = ring_of(slots)
    stranger = ring_of([Slot(slot.name, slot.shape, slot.seed + 1) for slot in slots])
    stranger.load_state_dict(ring.state_dict())
    for name, weight in ring.draw().items():
        assert (weight == stranger.draw()[name]).float().mean() < 0.1


def test_unshared_tensors_are_free(slots):
    own = Unshared(slots, torch.Generator().manual_seed(0))
    drawn = own.draw()
    assert {name: tuple(weight.shape) for name, weight in drawn.items()} == {slot.name: slot.shape for slot in slots}
    assert sum(p.numel() for p in own.parameters()) == sum(slot.weight_count for slot in slots)


def test_all_values_of_a_small_ring_are_used(slots):
    assert usage(ring_of(slots, 64).table.numpy(), 64).min() > 0
