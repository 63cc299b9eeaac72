"""Filters put together of Lego filters."""

import pytest
import torch

from spec.refusal import Refused
from train.nets.lego import Lego
from train.nets.ring import RING_SIGMA


@pytest.fixture
def lego(slots):
    return Lego(slots[1:3], 700, pieces=4, generator=torch.Generator().manual_seed(0))


def test_every_fragment_is_a_lego_filter_times_its_number(lego, slots):
    with torch.no_grad():
        lego.coefficients[1].uniform_(-1, 1)
    slot, cut = slots[2], lego.coefficients[1].shape[1]
    weight = lego.draw()[slot.name] * RING_SIGMA / slot.sigma
    choice = lego.preferences[1].argmax(-1)
    for output in range(slot.shape[0]):
        for piece in range(cut):
            wide = slot.shape[3] // cut
            fragment = weight[output, :, :, piece * wide : (piece + 1) * wide].flatten()
            wanted = lego.filters[1][choice[output, piece]] * lego.coefficients[1][output, piece]
            assert torch.allclose(fragment, wanted, atol=1e-6)


def test_choices_are_learned(lego):
    sum(weight.sin().sum() for weight in lego.draw().values()).backward()
    assert all(liking.grad.abs().max() > 0 for liking in lego.preferences)


def test_degrees_of_freedom_are_counted_and_nearest_below(lego):
    counted = sum(p.numel() for part in (lego.filters, lego.coefficients) for p in part)
    largest = max(p.shape[1] for p in lego.filters)
    assert lego.dof == counted
    assert 700 - largest < counted <= 700


def test_too_few_are_refused_with_what_is_needed(slots):
    with pytest.raises(Refused, match="give --dof as many") as said:
        Lego(slots, 100, generator=torch.Generator())
    needed = int(str(said.value).split(" need ")[1].split(" ")[0].replace(",", ""))
    assert Lego(slots, needed, generator=torch.Generator()).dof <= needed
