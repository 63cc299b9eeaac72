"""A running mean of parameters that soon forgets where it began, and can be stored."""

import pytest
import torch
from torch import nn

from train.loop.average import Average


def test_the_mean_follows_its_definition():
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(8.0)
    average, mean = Average(model, 0.5), 8.0
    for step, value in enumerate((4.0, 2.0, 6.0, 0.0, 1.0, 3.0, 9.0, 5.0, 7.0)):
        model.weight.data.fill_(value)
        average.update(step)
        mean += (1 - min(0.5, (1 + step) / (10 + step))) * (value - mean)
        assert average.state()["weight"].item() == pytest.approx(mean)
    average.apply()
    assert model.weight.item() == pytest.approx(mean)


def test_frozen_parameters_and_buffers_are_left_alone():
    model = nn.BatchNorm1d(2)
    model.bias.requires_grad = False
    assert set(Average(model, 0.9).state()) == {"weight"}


def test_it_goes_on_from_what_was_stored():
    model = nn.Linear(2, 2)
    one, other = Average(model, 0.9), Average(model, 0.9)
    model.weight.data.add_(1)
    one.update(0)
    other.restore({name: mean.clone() for name, mean in one.state().items()})
    for average in (one, other):
        average.update(1)
    assert all(torch.equal(one.state()[name], mean) for name, mean in other.state().items())
