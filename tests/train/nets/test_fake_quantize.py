"""Rounded activations are those of the deployed network, and gradients pass where nothing saturates."""

import numpy as np
import pytest
import torch

from spec import golden
from spec.block import Kind, Stem
from spec.layer import Role
from spec.numerics import requantize
from spec.supermask import Mode
from spec.topologies import residual_network
from train.deploy.calibration import Rule, calibrate
from train.deploy.quantize import quantize
from train.nets.build import trainable
from train.nets.config import ModelConfig
from train.nets.fake_quantize import FakeQuantNet, fake_quantize
from train.nets.model import HiddenFoldNet
from train.nets.scales import read_steps


@pytest.mark.parametrize(("signed", "bits"), [(False, 8), (True, 8), (False, 4), (True, 5)])
def test_rounding_is_that_of_the_integers(signed, bits):
    """Quarters of a step, halves among them, and both ends: as the requantizer stores them at a shift of 2."""
    quarters = np.arange(-1200, 1200)
    stored = requantize(quarters, 1, 0, 0, shift=2, bias_shift=0, residual_shift=0, signed=signed, bits=bits)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    rounded = fake_quantize(torch.from_numpy(quarters / 4 * 0.125).float(), 0.125, low, high)
    assert (rounded.numpy() == stored * 0.125).all()


def test_the_gradient_passes_inside_the_range():
    values = torch.tensor([-0.3, 0.0, 0.1, 0.24, 3.0, 3.75, 3.9], requires_grad=True)
    (fake_quantize(values, 0.25, 0, 15) * torch.arange(1.0, 8.0)).sum().backward()
    assert values.grad.tolist() == [0, 2, 3, 4, 5, 6, 0]


NETWORKS = {
    "basic": residual_network("t", image=(8, 8, 1), classes=10, widths=(4, 4, 8), iterations=(2, 0, 3)),
    "pooled": residual_network(
        "t", image=(8, 8, 1), classes=10, widths=(16, 32), iterations=(1, 2), mode=Mode.ONE_OF_FOUR,
        kind=Kind.BOTTLENECK, stem=Stem(5, 1, 2, 8, True),
    ),
}


@pytest.mark.parametrize("bits", [8, 6, 4])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_stores_what_the_deployed_one_stores(digits, warm, name, bits):
    """On what the deployed network read and added: at most one step off, where the rounding of an entry tips it."""
    images, network, config = digits.train_images[:64], NETWORKS[name], ModelConfig(affine=True)
    model = warm(HiddenFoldNet(network, config, torch.Generator().manual_seed(4)), images)
    scales = calibrate(model, images, Rule.MSE, bits)
    rounded = FakeQuantNet(network, config, torch.Generator(), scales)
    rounded.load_state_dict(model.state_dict())
    rounded.eval()
    read, reached = read_steps(network, scales), set()
    *executions, _ = golden.executions(quantize(rounded, scales, {}), images)
    for done in executions:
        if done.layer.role is Role.POOL:
            continue
        inputs = images if done.layer.role is Role.STEM else done.inputs
        convolution = rounded.convolutions[done.layer.index]
        y = convolution(channels_first(inputs) * read[done.layer.name], convolution.effective_weight(), done.iteration)
        if done.residual is not None:
            shift = scales.residual_shifts.get(done.layer.name, 0)
            y = y + channels_first(done.residual) * scales.steps[done.layer.name] * 2.0**shift
        stored = rounded.stored(done.layer, y).detach().permute(0, 2, 3, 1).numpy() / scales.steps[done.layer.name]
        error = np.abs(stored - done.values)
        assert error.max() < 1.001, done.layer.name
        assert (error > 0.5).mean() < 0.03, done.layer.name
        reached |= {edge for edge in scales.range_of(done.layer) if (done.values == edge).any()}
    assert {0, 2**bits - 1} <= reached


def channels_first(integers):
    return torch.from_numpy(integers.astype(np.float32)).permute(0, 3, 1, 2)


def test_without_scales_a_network_is_as_ever():
    float_net = trainable(NETWORKS["basic"], ModelConfig(), torch.Generator().manual_seed(1))
    rounded = trainable(NETWORKS["basic"], ModelConfig(), torch.Generator().manual_seed(1), object())
    assert (type(float_net), type(rounded)) == (HiddenFoldNet, FakeQuantNet)
    assert list(float_net.state_dict()) == list(rounded.state_dict())
