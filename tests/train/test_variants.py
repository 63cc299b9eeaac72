"""Layers beyond the papers against their formulas; their networks train, resume and deploy."""

import numpy as np
import pytest
import torch

from spec import golden, vectors
from spec.lfsr import signs
from train.config import ModelConfig
from train.deployed import DeployedNet
from train.model import HiddenFoldNet
from train.quantize import calibrate, quantize
from train.variants import SignedConv, ThresholdConv


def net(**settings):
    config = ModelConfig(widths=(8, 12), iterations=(0, 2), **settings)
    return HiddenFoldNet(config.topology("t", (8, 8, 1), 10), config, torch.Generator().manual_seed(3))


def layer_of(model, name="stage2.fold.conv1"):
    layer = model.network.layer(name)
    return layer, model.convolutions[layer.index]


def test_threshold_keeps_what_is_above_it_and_the_density_at_first():
    _, hidden = layer_of(net(threshold=True, density=0.2))
    assert isinstance(hidden, ThresholdConv)
    bound = (6 / (9 * 12)) ** 0.5
    assert torch.equal(hidden.mask(), hidden.scores.abs() > 0.8 * bound)
    assert float(hidden.mask().float().mean()) == pytest.approx(0.2, abs=0.03)
    with torch.no_grad():
        hidden.scores.mul_(1.5)
    assert float(hidden.mask().float().mean()) == pytest.approx(1 - 0.8 / 1.5, abs=0.04)


def test_no_sign_is_flipped_at_first_and_the_flips_are_learned():
    layer, hidden = layer_of(net(learned_signs=True))
    assert isinstance(hidden, SignedConv)
    frozen = 1 - 2 * signs(net().network.seed_of(layer), *layer.shape[:2], layer.inputs).astype(np.int8)
    assert np.array_equal(hidden.trits(), frozen * hidden.mask().numpy())
    with torch.no_grad():
        hidden.flips[0, 0, 0, :2] = torch.tensor([-0.5, 0.0])
    want = frozen.copy()
    want[0, 0, 0, 0] *= -1
    assert np.array_equal(hidden.trits(), want * hidden.mask().numpy())
    assert torch.equal(hidden.effective_weight().detach().permute(0, 2, 3, 1),
                       torch.from_numpy(want * hidden.mask().numpy() * np.float32(hidden.sigma)))


def test_gradients_are_straight_through():
    _, hidden = layer_of(net(learned_signs=True))
    with torch.no_grad():
        hidden.flips[0] *= -1
    weight = hidden.effective_weight()
    upstream = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    weight.backward(upstream)
    upstream = upstream.permute(0, 2, 3, 1)
    flipped = torch.where(hidden.flips < 0, -hidden.weight, hidden.weight).detach()
    assert torch.equal(hidden.scores.grad, hidden.scores.detach().sign() * flipped * upstream)
    assert torch.equal(hidden.flips.grad, hidden.mask() * hidden.weight * upstream)


@pytest.mark.parametrize("option", ["threshold", "learned_signs"])
def test_they_deploy_bit_exactly(option, digits):
    model = net(**{option: True})
    with torch.no_grad():
        for hidden in model.convolutions:
            for parameter in hidden.parameters():
                if parameter.ndim > 1:
                    parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
    model.train()
    images = digits.train_images[:64]
    for _ in range(20):
        model(torch.from_numpy(images))
    model.eval()
    deployed = quantize(model, calibrate(model, images), provenance={})
    for layer in model.network.layers:
        assert np.array_equal(deployed.weights(layer.name), model.convolutions[layer.index].trits())
        assert (deployed.network.layer(layer.name).ring is None) == (option == "threshold")
    trace = DeployedNet(deployed).run(images[:4])
    assert vectors.difference(golden.run(deployed, images[:4]), trace) is None
    with torch.no_grad():
        logits = model(torch.from_numpy(images[:4])).numpy()
    assert np.corrcoef(logits.ravel(), trace.logits.ravel())[0, 1] > 0.99
