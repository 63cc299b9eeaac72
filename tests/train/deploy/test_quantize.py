"""Batch norms folded into entries against their formulas, and the distance from float to integers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from spec import golden, vectors
from spec.block import Block, Kind, Stem
from spec.layer import Role
from spec.model import load, save
from spec.numerics import prepare
from spec.supermask import Mode
from spec.topologies import network_of_parts, residual_network
from train.deploy.calibration import calibrate
from train.deploy.deployed import DeployedNet
from train.deploy.quantize import quantize
from train.deploy.ring_integers import round_rings
from train.loop import checkpoint
from train.nets.build import trainable
from train.nets.config import ModelConfig
from train.nets.model import HiddenFoldNet
from train.nets.ring_plan import Rings


@pytest.mark.parametrize(("mode", "stem"), [
    (Mode.ANY, Stem(3, 1, 1, 8)), (Mode.ONE_OF_FOUR, Stem(3, 1, 1, 8)), (Mode.TWO_OF_FOUR, Stem(5, 1, 2, 8, True)),
])
def test_bottlenecks_and_pool_from_float_to_integers(digits, warm, floats, mode, stem):
    """Deployed torch and golden model agree on a warmed float network, and the integers stay near the floats."""
    images = digits.train_images[:64]
    network = residual_network(
        "t", image=(8, 8, 1), classes=10, widths=(16, 32), iterations=(1, 2), mode=mode, kind=Kind.BOTTLENECK, stem=stem
    )
    model = warm(HiddenFoldNet(network, ModelConfig(affine=True), torch.Generator().manual_seed(4)), images)
    scales = calibrate(model, images)
    deployed = quantize(model, scales, {})
    trace = DeployedNet(deployed).run(images)
    assert vectors.difference(golden.run(deployed, images), trace) is None
    assert [stored.layer.name for stored in trace.stored] == [step.layer.name for step in network.steps[:-1]]
    for stored, value in zip(trace.stored, floats(model, images), strict=True):
        low, high = (-128, 127) if stored.layer.role is Role.SHORTCUT else (0, 255)
        error = np.abs((value / scales.steps[stored.layer.name]).clip(low, high) - stored.values)
        assert error.mean() < 4, stored.layer.name


def repeated():
    """A group of two projecting blocks and a recurrent one, twice with the same weights."""
    group = (Block("a", 12), Block("b", 8), Block("c", 8, iterations=2))
    again = tuple(replace(block, name=f"{block.name}2", weights_of=block.name) for block in group)
    return network_of_parts("t", (8, 8, 1), Stem(3, 1, 1, 8), (*group, *again), 10, Mode.ANY, 0.5, seed=3)


@pytest.mark.parametrize("dof", [0, 512])
def test_layers_with_the_same_weights_are_stored_once_with_the_same_shifts(digits, warm, floats, tmp_path, dof):
    """From masks or a ring: one mask, entries for all, and the integers stay near the floats in each."""
    images, network = digits.train_images[:64], repeated()
    config = ModelConfig(affine=True, rings=Rings(dof=dof) if dof else None, density=0.5)

    def later_is_larger(model):  # so that what is stored twice has not the same scales by itself
        for layer in network.layers:
            if layer.owner:
                model.convolutions[layer.index].norms[0].weight.mul_(2)

    model = warm(trainable(network, config, torch.Generator().manual_seed(4)), images, later_is_larger)
    if dof:
        round_rings(model, 5)
    scales = calibrate(model, images)
    deployed = quantize(model, scales, {})
    assert set(deployed.masks) == {layer.name for layer in deployed.network.own_layers if layer.ring is None}
    assert bool(deployed.rings) == bool(dof)
    assert load(save(deployed, tmp_path / "m.safetensors")).hash == deployed.hash
    for users in network.users.values():
        numbers = [deployed.requantizations[user.name] for user in users if user.role is not Role.CLASSIFIER]
        assert len({(n.shift, n.bias_shift, n.residual_shift) for n in numbers}) <= 1
    shifts = scales.residual_shifts
    assert set(shifts) == {"a.conv2", "a2.conv2", "b.conv2", "b2.conv2"}
    trace = DeployedNet(deployed).run(images)
    assert vectors.difference(golden.run(deployed, images), trace) is None
    for stored, value in zip(trace.stored, floats(model, images), strict=True):
        low, high = (-128, 127) if stored.layer.role is Role.SHORTCUT else (0, 255)
        error = np.abs((value / scales.steps[stored.layer.name]).clip(low, high) - stored.values)
        assert error.mean() < 4, stored.layer.name


def small_shortcut(model):
    """Shortcuts far below their stage."""
    for layer in model.network.layers:
        if layer.role is Role.SHORTCUT:
            model.convolutions[layer.index].norms[0].weight.fill_(0.01)
            model.convolutions[layer.index].norms[0].bias.fill_(0.0)


def deep_shortcut(model):
    """Shortcuts far below zero, which the ReLU after the addition hides from their stage."""
    for layer in model.network.layers:
        if layer.role is Role.SHORTCUT:
            model.convolutions[layer.index].norms[0].bias.copy_(torch.linspace(-50, 0, layer.outputs))


@pytest.mark.parametrize(("adjust", "low", "high"), [(small_shortcut, 0, 0), (None, 0, 2), (deep_shortcut, 3, 3)])
@pytest.mark.parametrize("mode", list(Mode))
def test_shortcuts_are_signed_and_a_power_of_two_from_their_stage(digits, warmed, mode, adjust, low, high):
    images = digits.train_images[:64]
    model = warmed(images, mode, adjust=adjust)
    scales = calibrate(model, images)
    assert set(scales.residual_shifts) == {"stage2.entry.conv2", "stage3.entry.conv2"}
    for last, shift in scales.residual_shifts.items():
        assert low <= shift <= high
        assert scales.steps[last.replace("conv2", "shortcut")] == scales.steps[last] * 2.0**shift
    deployed = quantize(model, scales, {})
    trace = DeployedNet(deployed).run(images)
    assert vectors.difference(golden.run(deployed, images), trace) is None
    for layer in model.network.layers[:-1]:
        numbers = deployed.requantizations[layer.name]
        assert numbers.residual_shift == scales.residual_shifts.get(layer.name, 0)
        assert numbers.signed == (layer.role is Role.SHORTCUT)
    # Shortcuts use their range unless they are tiny.
    for stored in trace.stored:
        if stored.layer.role is Role.SHORTCUT and adjust is not small_shortcut:
            assert np.abs(stored.values.astype(int)).max() >= 60


def test_entries_are_the_batch_norm_to_half_a_unit(digits, warmed):
    images = digits.train_images[:64]
    model = warmed(images)
    scales = calibrate(model, images)
    deployed = quantize(model, scales, {})
    sources = {"stem": 1 / 255, "stage3.fold.conv1": "stage3.entry.conv2",
               "stage3.fold.conv2": "stage3.fold.conv1", "stage3.entry.shortcut": "stage2.entry.conv2"}
    for name in ("stem", "stage3.fold.conv1", "stage3.fold.conv2", "stage3.entry.shortcut"):
        hidden, numbers = model.convolutions[model.network.layer(name).index], deployed.requantizations[name]
        source = scales.steps.get(sources[name], sources[name])
        for t, norm in enumerate(hidden.norms):
            tensors = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
            gamma, beta, mean, var = (tensor.detach().double().numpy() for tensor in tensors)
            gain = gamma / np.sqrt(var + 1e-5) * hidden.sigma * source / scales.steps[name]
            offset = (beta - mean * gamma / np.sqrt(var + 1e-5)) / scales.steps[name]
            kept = hidden.mask().any(axis=(1, 2, 3))
            assert np.abs(numbers.multiplier[t] - gain * 2.0**numbers.shift)[kept].max() <= 0.5 + 1e-6
            stored = offset * 2.0 ** (numbers.shift - numbers.bias_shift)
            assert np.abs(numbers.bias[t] - stored).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("variance", [0.0, 1e-14])
def test_a_dead_filter_costs_the_others_no_precision(digits, warmed, floats, variance):
    """A filter that reads only a channel that is always 0 has no variance; its factor is 316 times its gamma."""
    images, dead = digits.train_images[:64], {}

    def silence(model):
        first, second = (model.convolutions[model.network.layer(f"stage3.fold.conv{i}").index] for i in (1, 2))
        for norm in first.norms:
            norm.bias[3] = -100.0
        second.scores[5] = 0.0
        second.scores[5, ..., 3] = 10.0
        dead["conv"] = second

    model = warmed(images, adjust=silence)
    scales = calibrate(model, images)
    name = "stage3.fold.conv2"
    before = quantize(model, scales, {}).requantizations[name]
    for norm in dead["conv"].norms:
        norm.running_var[5], norm.running_mean[5] = variance, 0.0
    deployed = quantize(model, scales, {})
    after = deployed.requantizations[name]
    others = np.arange(8) != 5
    assert after.shift >= before.shift - 1
    assert np.median(np.abs(after.multiplier[:, others])) >= np.median(np.abs(before.multiplier[:, others])) / 2
    assert (after.multiplier[:, 5] == 0).all()
    beta = np.stack([norm.bias.detach().double().numpy()[5] for norm in dead["conv"].norms])
    stored = beta / scales.steps[name] * 2.0 ** (after.shift - after.bias_shift)
    assert np.abs(after.bias[:, 5] - stored).max() <= 0.5 + 1e-6
    trace = DeployedNet(deployed).run(images)
    assert vectors.difference(golden.run(deployed, images), trace) is None
    for stored, value in zip(trace.stored, floats(model, images), strict=True):
        low, high = (-128, 127) if stored.layer.role is Role.SHORTCUT else (0, 255)
        assert np.abs((value / scales.steps[stored.layer.name]).clip(low, high) - stored.values).mean() < 4


def test_stem_is_float_to_one_rounding(digits, warmed, floats):
    """The stem reads exact bytes, so only its 12-bit multiplier and one rounding part it from float."""
    images = digits.train_images[:64]
    model = warmed(images)
    scales = calibrate(model, images)
    deployed = quantize(model, scales, {})
    want = floats(model, images)[0] / scales.steps["stem"]
    got = DeployedNet(deployed).run(images).stored[0].values
    numbers = deployed.requantizations["stem"]
    rows = prepare(images, 3, 1, 1).astype(np.int64).sum(axis=-1).max()  # Bound of any |accumulator|.
    assert np.abs(want - got).max() <= 0.5 + (0.5 * rows + 0.5 * 2**numbers.bias_shift) / 2**numbers.shift + 1e-3


def test_trained_network_barely_moves(digits, floats, state):
    """Stored activations stay within 2.5 % of the range of float after all layers; the mean is off by a step."""
    model = checkpoint.restore(state)
    scales = calibrate(model, digits.train_images[:512])
    deployed = quantize(model, scales, {})
    images = digits.test_images[:64]
    trace = DeployedNet(deployed).run(images)
    for stored, value in zip(trace.stored, floats(model, images), strict=True):
        low, high = (-128, 127) if stored.layer.role is Role.SHORTCUT else (0, 255)
        error = np.abs((value / scales.steps[stored.layer.name]).clip(low, high) - stored.values)
        assert error.mean() < 1.5
        assert np.quantile(error, 0.99) < 0.025 * 255
