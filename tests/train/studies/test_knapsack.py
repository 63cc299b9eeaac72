"""The knapsack: the best choice there is, and filters of least importance gone."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from spec.layer import Role
from spec.refusal import Refused
from train.studies.knapsack import chosen_counts, importances, knapsack_filters
from train.studies.pruning import flops, kept_filters, kept_of


@pytest.mark.parametrize("seed", range(6))
def test_no_choice_is_better(seed):
    random = np.random.default_rng(seed)
    values = [random.exponential(1, count) for count in (4, 3, 5)]
    costs = [int(cost) for cost in random.integers(2, 9, 3)]
    budget = int(random.integers(sum(costs), 45))
    counts = chosen_counts(values, costs, budget)

    def worth(chosen):
        return sum(np.sort(group)[::-1][:count].sum() for group, count in zip(values, chosen, strict=True))

    def spent(chosen):
        return sum(cost * count for cost, count in zip(costs, chosen, strict=True))

    possible = [c for c in itertools.product(range(1, 5), range(1, 4), range(1, 6)) if spent(c) <= budget]
    assert spent(counts) <= budget
    assert worth(counts) == pytest.approx(max(map(worth, possible)))


def test_a_large_budget_is_counted_in_units_and_not_exceeded():
    random = np.random.default_rng(0)
    values, costs = [random.exponential(1, 40) for _ in range(4)], [100_003, 70_001, 50_021, 90_007]
    counts = chosen_counts(values, costs, 5_000_000)
    spent = sum(cost * count for cost, count in zip(costs, counts, strict=True))
    assert 4_800_000 < spent <= 5_000_000
    assert chosen_counts(values, costs, 10**9) == [40] * 4
    with pytest.raises(Refused, match="One filter of each layer is more than the target"):
        chosen_counts(values, costs, 300_000)


def inner(model):
    return [layer for layer in model.network.layers if layer.role is Role.INNER]


def test_importance_is_the_change_of_the_loss(small_rpg, images, warm):
    """To first order in a gate: closing it by a little changes the loss by that times the importance."""
    model = warm(small_rpg(), images.numpy())
    labels = np.arange(8) % 10
    found = importances(model, images.numpy(), labels)
    layer = inner(model)[1]
    norm = model.convolutions[layer.index].norms[0]

    def loss():
        with torch.no_grad():
            return float(functional.cross_entropy(model(images).double(), torch.from_numpy(labels)))

    def gated(channel, gate):
        kept = norm.weight[channel].item(), norm.bias[channel].item()
        with torch.no_grad():
            norm.weight[channel] *= gate
            norm.bias[channel] *= gate
            value = loss()
            norm.weight[channel], norm.bias[channel] = kept
        return value

    changes = [abs(gated(channel, 1.001) - gated(channel, 0.999)) / 0.002 for channel in range(layer.outputs)]
    assert changes == pytest.approx(found[layer.index].tolist(), rel=0.1, abs=2e-3)


def test_filters_of_least_importance_go_and_the_target_holds(small_rpg, images):
    model = small_rpg()
    random = np.random.default_rng(1)
    importance = {layer.index: random.exponential(1, layer.outputs) for layer in inner(model)}
    importance[inner(model)[0].index] *= 100  # Of this layer all are worth more than any other.
    whole = model.network.macs
    left = knapsack_filters(model, importance, round(0.6 * whole))
    filters = kept_filters(model)
    assert left == flops(model.network, filters) <= 0.6 * whole
    assert left > 0.5 * whole
    for layer in inner(model):
        kept = kept_of(model.convolutions[layer.index].norms[0], "weight").numpy()
        assert filters[layer.name] == kept.sum()
        if not kept.all():
            assert importance[layer.index][kept].min() >= importance[layer.index][~kept].max()
    assert filters[inner(model)[0].name] == inner(model)[0].outputs
    assert model(images).isfinite().all()


def test_an_impossible_target_is_refused(small_rpg):
    model = small_rpg()
    importance = {layer.index: np.ones(layer.outputs) for layer in inner(model)}
    with pytest.raises(Refused, match="give a larger --flops"):
        knapsack_filters(model, importance, 1000)
