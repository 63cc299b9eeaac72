"""Integer rings: error bound, levels, the step of least error, and what a network knows after."""

import copy

import numpy as np
import pytest
import torch

from spec.ring import limit
from train.deploy.ring_integers import integers, make_integer, ring_bytes, ring_limit, ring_step, round_rings


def values_of(seed, count=4096):
    return torch.randn(1, count, generator=torch.Generator().manual_seed(seed)) * 0.06


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("largest", [127, 121, 40, 13, 4, 1])
def test_error_is_at_most_half_a_step_inside_the_range(seed, largest):
    values = values_of(seed)
    step = ring_step(values, largest)
    whole = integers(values, step, largest)
    inside = values.abs() <= largest * step
    assert ((whole * step - values).abs()[inside] <= step / 2 * (1 + 1e-5)).all()
    assert whole.abs().max() <= largest
    assert (whole == whole.round()).all()
    assert (whole.sign() * values.sign() >= 0).all()


@pytest.mark.parametrize("largest", [127, 40, 4, 1])
def test_the_step_is_the_one_of_least_error(largest):
    values = values_of(0)

    def error(step):
        return float((integers(values, step, largest) * step - values).square().mean())

    step, whole_range = ring_step(values, largest), float(values.abs().max()) / largest
    assert error(step) <= error(whole_range)
    assert step <= whole_range
    assert largest > 4 or step < 0.7 * whole_range  # few levels: clipping pays
    assert error(step) <= min(error(step * 0.9), error(step * 1.1)) * 1.05


def test_eight_bits_lose_almost_nothing():
    values = values_of(0)
    step = ring_step(values, 127)
    assert float((integers(values, step, 127) * step - values).square().mean()) < 1e-4 * float(values.var())


def test_a_ring_of_zeros_has_a_step():
    assert ring_step(torch.zeros(1, 16), 127) == 1.0


@pytest.mark.parametrize("planes", [None, 5, 3, 1])
def test_rings_become_integers_in_place(small_rpg, planes):
    model = small_rpg()
    before = model.rings[0].free.detach().clone()
    (name, (whole, step)), = make_integer(model.rings, ring_limit(planes)).items()
    assert name == "ring"
    assert whole.dtype == np.int8
    assert whole.shape == (320,)
    assert np.abs(whole.astype(int)).max() <= (127 if planes is None else limit(planes))
    assert np.allclose(model.rings[0].free.detach().numpy(), whole * step)
    assert not torch.equal(model.rings[0].free, before)
    again = make_integer(copy.deepcopy(model).rings, ring_limit(planes))
    assert np.array_equal(again["ring"][0], whole) or planes is None


@pytest.mark.parametrize("planes", [5, 2])
def test_a_rounded_network_knows_its_integers(small_rpg, planes):
    model = small_rpg()
    round_rings(model, planes)
    ring, = model.rings
    assert ring.planes == planes
    for slot in ring.slots:
        sigma = model.convolutions[model.network.layer(slot.name).index].sigma
        assert np.allclose(ring.free.detach().numpy() * ring.scale(slot), ring.integers * sigma)
    assert np.abs(ring.integers.astype(int)).max() <= limit(planes)


def test_bytes():
    assert ring_bytes([1000, 24]) == 1000 + 24 + 8
    assert ring_bytes([3], bits=4) == 2 + 4
