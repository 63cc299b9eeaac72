"""The rule that is chosen is the one whose integers are closest to the float network, and nothing else decides."""

import numpy as np
import pytest
import torch

from spec import golden
from spec.refusal import Refused
from train.deploy import choice
from train.deploy.calibration import Rule, calibrate
from train.deploy.choice import Calibration, choose
from train.deploy.quantize import quantize
from train.loop import checkpoint


def divergence(model, images, rule, bits):
    """Mean of ``sum p * log(p / q)``, by the golden model: its logits are sums over the positions of the last map."""
    scales = calibrate(model, images, rule, bits)
    last = model.network.layers[-1]
    step = scales.steps["stage2.fold.conv2"] * model.convolutions[-1].sigma / last.positions
    logits = golden.run(quantize(model, scales, {}), images).logits * step
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).double().numpy()

    def log_probabilities(values):
        return values - values.max(1, keepdims=True) - np.log(
            np.exp(values - values.max(1, keepdims=True)).sum(1, keepdims=True)
        )

    p, q = log_probabilities(wanted), log_probabilities(logits)
    return (np.exp(p) * (p - q)).sum(1).mean()


@pytest.mark.parametrize("bits", [8, 4])
def test_the_best_rule_wins(digits, state, bits):
    model, images = checkpoint.restore(state), digits.train_images[:100]
    found = choose(model, images, bits=bits)
    expected = {rule: divergence(model, images, rule, bits) for rule in Rule}
    assert list(found.divergences) == list(Rule)
    for rule, nats in found.divergences.items():
        assert nats == pytest.approx(expected[rule], rel=1e-4, abs=1e-9)
    assert found.rule is min(expected, key=expected.get)
    assert found.scales == calibrate(model, images, found.rule, bits)
    again = choose(model, images, bits=bits)
    assert (again.rule, again.divergences) == (found.rule, found.divergences)


def test_a_rule_that_does_not_fit_is_passed_over(digits, state, monkeypatch):
    def refuse_finer(model, scales, provenance):
        if scales != widest:
            raise Refused(f"Layer stem cannot be stored at {scales.steps['stem']}")
        return quantize(model, scales, provenance)

    model, images = checkpoint.restore(state), digits.train_images[:32]
    widest = calibrate(model, images)
    monkeypatch.setattr(choice, "quantize", refuse_finer)
    found = choose(model, images)
    assert (found.rule, found.scales) == (Rule.MAX, widest)
    assert found.divergences[Rule.P99] is None
    with pytest.raises(Refused, match="Layer stem cannot be stored"):
        choose(model, images, [Rule.P99])


def test_rules():
    assert Calibration().rules == tuple(Rule)
    assert Calibration(calibrator="mse").rules == (Rule.MSE,)


@pytest.mark.parametrize(("options", "message"), [
    ({"bits": 3}, "Setting --bits must be from 4 to 8, not 3"),
    ({"bits": 9}, "Setting --bits must be from 4 to 8, not 9"),
    ({"calibrator": "best"}, "Setting --calibrator must be one of auto, max, p99.99, .*, mse, not 'best'"),
    ({"calibration": -1}, "Setting --calibration must be from 0 to"),
    ({"calibration": 1348}, "Option --calibration must be at most the 1347 training images of digits, not 1348"),
])
def test_impossible_options_are_refused(digits, options, message):
    with pytest.raises(Refused, match=message):
        Calibration(**options).choose(None, digits)
