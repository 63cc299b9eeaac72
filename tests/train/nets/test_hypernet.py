"""Kernels that a small network makes."""

import pytest
import torch

from spec.refusal import Refused
from train.nets.addressing import Slot
from train.nets.hypernet import HyperNetwork
from train.nets.ring import RING_SIGMA

SLOTS = (Slot("a", (8, 3, 3, 4), 1), Slot("b", (6, 1, 1, 8), 2), Slot("c", (4, 3, 3, 4), 3))


def made(dof=2000):
    return HyperNetwork(SLOTS, dof, generator=torch.Generator().manual_seed(0))


def test_a_kernel_is_its_units_side_by_side():
    model = made()
    drawn = model.draw()
    assert {name: tuple(weight.shape) for name, weight in drawn.items()} == {slot.name: slot.shape for slot in SLOTS}
    with torch.no_grad():
        for tile, (slot, top, left) in enumerate([(0, 0, 0), (0, 4, 0), (1, 0, 0), (1, 0, 4), (1, 4, 0), (1, 4, 4)]):
            for channel in range(4):
                inner = model.codes[tile] @ model.first[channel] + model.first_bias[channel]
                unit = (inner @ model.second + model.second_bias).view(4, 3, 3)
                shape = SLOTS[slot].shape
                unit = unit[: shape[0] - top, 1:2, 1:2] if shape[1] == 1 else unit
                weight = drawn[SLOTS[slot].name][top : top + 4, :, :, left + channel]
                assert torch.allclose(weight, unit * SLOTS[slot].sigma / RING_SIGMA, atol=1e-6)


@pytest.mark.parametrize("dof", [300, 2000, 20000])
def test_degrees_of_freedom_are_counted_and_near_below(dof):
    model = made(dof)
    assert model.dof == sum(parameter.numel() for parameter in model.parameters())
    assert 0.8 * dof < model.dof <= dof


def test_weights_start_at_kaiming_variance():
    weight = made(20000).draw()["a"].detach()
    assert 0.5 < float(weight.std()) / SLOTS[0].sigma < 2


def test_too_few_are_refused_with_what_is_needed():
    with pytest.raises(Refused, match="give --dof as many") as said:
        made(30)
    needed = int(str(said.value).split(" needs ")[1].split(" ")[0].replace(",", ""))
    assert made(needed).dof == needed
    with pytest.raises(Refused):
        made(needed - 1)
