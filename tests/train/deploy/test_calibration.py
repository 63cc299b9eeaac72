"""Rules for scales against their definitions, and whose scale is whose."""

import numpy as np
import pytest
import torch

from spec.layer import Role
from spec.refusal import Refused
from train.deploy.calibration import Distribution, Rule, calibrate, distributions
from train.nets.scales import stages


def spread(values, peak):
    """Distribution of ``values``, in parts of 1/8192 of ``peak``."""
    counts, _ = np.histogram(values, bins=8192, range=(0, peak))
    return Distribution(peak, counts)


def test_max_reaches_the_peak_whatever_is_below():
    assert Distribution(3.7, np.array([5, 0, 0, 1])).reach(Rule.MAX, 255) == 3.7


@pytest.mark.parametrize(("rule", "beyond"), [(Rule.P99_99, 1), (Rule.P99_9, 10), (Rule.P99_5, 50), (Rule.P99, 100)])
def test_a_percentile_leaves_its_share_beyond(rule, beyond):
    values = np.random.default_rng(1).exponential(1.0, 10_000)
    reach = spread(values, values.max()).reach(rule, 255)
    part = values.max() / 8192
    assert (values > reach + part).sum() <= beyond
    assert (values > reach - 2 * part).sum() >= beyond


@pytest.mark.parametrize("high", [7, 15, 63, 255])
@pytest.mark.parametrize("shape", ["exponential", "outlier", "uniform"])
def test_mse_is_the_reach_of_least_error(high, shape):
    """Of all that are tried, measured on the values themselves and not on their distribution."""
    rng = np.random.default_rng(2)
    values = {
        "exponential": lambda: rng.exponential(1.0, 20_000), "uniform": lambda: rng.uniform(0, 1, 20_000),
        "outlier": lambda: np.append(rng.exponential(0.1, 20_000), 5.0),
    }[shape]()
    peak = values.max()

    def error(reach):
        step = reach / high
        return np.square(np.minimum(np.floor(values / step + 0.5), high) * step - values).sum()

    reach = spread(values, peak).reach(Rule.MSE, high)
    tried = [error(peak * i / 64) for i in range(4, 65)]
    assert error(reach) <= min(tried) * 1.01
    assert reach > 0.9 * peak if shape == "uniform" else reach < peak


def test_zeros_do_not_count(digits, warmed):
    """Half of what a ReLU stores is 0; percentiles are of the rest."""
    images = digits.train_images[:64]
    model = warmed(images)
    found = distributions(model, images)
    values = {}

    def note(layer, iteration, stored):
        values.setdefault(layer.name, []).append(stored.numpy().ravel())

    with torch.no_grad():
        model(torch.from_numpy(images), note)
    inner = np.concatenate(values["stage3.fold.conv1"])
    assert (inner == 0).mean() > 0.2
    assert found["stage3.fold.conv1"].counts.sum() == (inner > 0).sum()
    assert found["stage3.fold.conv1"].peak == inner.max()
    shortcut = np.concatenate(values["stage2.entry.shortcut"])
    assert (shortcut < 0).any()
    assert found["stage2.entry.shortcut"].counts.sum() == (shortcut != 0).sum()


@pytest.mark.parametrize(("bits", "high"), [(8, 255), (4, 15)])
def test_a_stage_shares_one_scale(digits, warmed, floats, bits, high):
    images = digits.train_images[:64]
    model = warmed(images)
    scales = calibrate(model, images, bits=bits)
    assert scales.bits == bits
    names = [[layer.name for layer in stage] for stage in stages(model.network)]
    assert names == [
        ["stem", "stage1.entry.conv2", "stage1.fold.conv2"], ["stage2.entry.conv2"],
        ["stage3.entry.conv2", "stage3.fold.conv2"],
    ]
    peaks = {}
    for step, values in zip(model.network.steps, floats(model, images), strict=False):
        peaks.setdefault(step.layer.name, []).append(values.max())
    for stage in names:
        peak = max(max(peaks[name]) for name in stage)
        assert {scales.steps[name] for name in stage} == {peak / high}
    assert scales.steps["stage3.fold.conv1"] == max(peaks["stage3.fold.conv1"]) / high
    assert len(peaks["stage3.fold.conv1"]) == 3


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("bits", [4, 8])
def test_every_rule_scales_stages_and_shortcuts(digits, warmed, rule, bits):
    """One step in a stage, the shortcut's a power of two times it and wide enough for what the rule keeps."""
    images = digits.train_images[:64]
    model = warmed(images)
    found, scales = distributions(model, images), calibrate(model, images, rule, bits)
    for stage in stages(model.network):
        assert len({scales.steps[layer.name] for layer in stage}) == 1
    for layer in model.network.layers[:-1]:
        low, high = scales.range_of(layer)
        reach = found[layer.name].reach(rule, high)
        if layer.role is Role.SHORTCUT:
            last = layer.name.replace("shortcut", "conv2")
            assert scales.steps[layer.name] == scales.steps[last] * 2.0 ** scales.residual_shifts[last]
            assert reach / high <= scales.steps[layer.name] < 2 * max(reach / high, scales.steps[last] / 16)
            assert (low, high) == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        else:
            assert scales.steps[layer.name] == reach / high
            assert (low, high) == (0, 2**bits - 1)


def test_a_shortcut_of_zeros_is_allowed(digits, warmed):
    def silence(model):
        shortcut = model.convolutions[model.network.layer("stage2.entry.shortcut").index].norms[0]
        shortcut.weight.fill_(0.0)
        shortcut.bias.fill_(0.0)

    images = digits.train_images[:64]
    scales = calibrate(warmed(images, adjust=silence), images, Rule.MSE)
    assert scales.residual_shifts["stage2.entry.conv2"] == 0


@pytest.mark.parametrize(("bias", "message"), [
    (-1e4, "Layer stage1.entry.conv1 stores only zeros on the 8 calibration images; train longer"),
    (float("inf"), "Layer stage1.entry.conv1 stores values that are not finite on the 8 calibration images"),
])
def test_dead_layer_is_refused(digits, warmed, bias, message):
    def break_layer(model):
        model.convolutions[1].norms[0].bias.fill_(bias)

    images = digits.train_images[:8]
    model = warmed(images, adjust=break_layer)
    with pytest.raises(Refused, match=message):
        calibrate(model, images)
