"""Frozen weights: magnitude by the paper's formula, signs by the spec's generator or independent draws."""

import numpy as np
import pytest
import torch

from spec.lfsr import signs
from spec.supermask import Mode
from spec.topologies import residual_network
from train.nets.weights import Weights, initial_weight, sigma_of


def layer_of(mode=Mode.ANY):
    network = residual_network("t", image=(6, 6, 2), classes=4, widths=(64,), iterations=(0,), mode=mode)
    return network.layer("stage1.entry.conv1")


@pytest.mark.parametrize(("mode", "density", "kept"), [
    (Mode.ANY, 0.3, 0.3), (Mode.ANY, 1.0, 1.0), (Mode.TWO_OF_FOUR, 0.3, 0.3), (Mode.TWO_OF_FOUR, 0.8, 0.5),
    (Mode.ONE_OF_FOUR, 0.3, 0.25), (Mode.ONE_OF_FOUR, 0.1, 0.25), (Mode.AT_MOST_ONE, 0.3, 0.25),
    (Mode.AT_MOST_ONE, 0.2, 0.2),
])
def test_sigma(mode, density, kept):
    assert sigma_of(layer_of(mode), density) == (2 / (64 * 9 * kept)) ** 0.5


@pytest.mark.parametrize("kind", [Weights.LFSR, Weights.SIGNED])
def test_signed_constants(kind):
    weight = initial_weight(kind, layer_of(), 0.25, seed=7)
    assert weight.shape == (64, 3, 3, 64)
    assert weight.dtype == torch.float32
    assert set(weight.unique().tolist()) == {-0.25, 0.25}
    assert abs(weight.sign().mean()) < 0.02


def test_lfsr_signs_are_the_specs():
    weight = initial_weight(Weights.LFSR, layer_of(), 0.5, seed=7)
    assert np.array_equal(weight.numpy() < 0, signs(7, 64, 3, 64) == 1)


def test_kaiming_normal():
    weight = initial_weight(Weights.NORMAL, layer_of(), 0.25, seed=7)
    assert abs(weight.std() - 0.25) < 0.005
    assert abs(weight.mean()) < 0.005
    assert abs((weight.abs() < 0.25).float().mean() - 0.683) < 0.01  # a normal's share within one deviation


@pytest.mark.parametrize("kind", list(Weights))
def test_weights_are_a_function_of_the_seed(kind):
    one, again, other = (initial_weight(kind, layer_of(), 1.0, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
