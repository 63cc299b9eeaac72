"""Pruned values stay 0 and count; pruned filters give 0 and their operations are not counted."""

import copy

import pytest
import torch

from spec.layer import Role
from spec.refusal import Refused
from train.deploy.ring_integers import make_integer
from train.nets.ring_plan import Scope
from train.studies.pruning import flops, kept_filters, kept_of, prune_filters, prune_ring, ring_dof


def train_a_little(model, images):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        model(images).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("scope", [Scope.GLOBAL, Scope.STAGE])
def test_only_the_largest_values_stay(small_rpg, images, scope):
    model = small_rpg(scope=scope)
    before = torch.cat([ring.free.detach().flatten() for ring in model.rings])
    prune_ring(list(model.rings), 100)
    after = torch.cat([ring.free.detach().flatten() for ring in model.rings])
    order = sorted(range(320), key=lambda i: -abs(float(before[i])))
    for place, i in enumerate(order):
        assert after[i] == (before[i] if place < 100 else 0)
    assert sum(ring_dof(ring) for ring in model.rings) == 100


def test_degrees_of_freedom_stay_pruned_in_training(small_rpg, images):
    model = small_rpg()
    ring, = model.rings
    assert ring_dof(ring) == 320
    prune_ring([ring], 100)
    kept = ring.free.detach() != 0
    start = ring.free.detach().clone()
    train_a_little(model, images)
    now = ring.free.detach()
    assert torch.equal(now != 0, kept)
    assert (now != start)[kept].all()
    prune_ring([ring], 40)
    assert ring_dof(ring) == int((ring.free != 0).sum()) == 40
    assert not (ring.free.detach() != 0)[~kept].any()


def test_equal_values_go_from_the_end(small_rpg):
    ring, = small_rpg(dof=16).rings
    with torch.no_grad():
        ring.free.fill_(0.5)
    prune_ring([ring], 10)
    assert (ring.free.detach().flatten() != 0).tolist() == [True] * 10 + [False] * 6


def test_values_that_are_zero_count_until_they_are_pruned(small_rpg):
    ring, = small_rpg(dof=16).rings
    prune_ring([ring], 10)
    with torch.no_grad():
        ring.parametrizations["free"].original.zero_()
    prune_ring([ring], 7)
    assert ring_dof(ring) == 7


@pytest.mark.parametrize("dof", [0, 321])
def test_impossible_counts_are_refused(small_rpg, dof):
    with pytest.raises(Refused, match=f"of 320 values cannot be pruned to {dof}"):
        prune_ring(list(small_rpg().rings), dof)


def test_flops_of_the_whole_network(small_rpg, small_network):
    network = small_network()
    assert flops(network, kept_filters(small_rpg())) == network.macs


def test_flops_are_counted_layer_by_layer(small_network):
    network = small_network()
    filters = {layer.name: layer.outputs for layer in network.layers} | {"stage2.entry.conv1": 3}
    # 8 channels at 4x4: conv1 reads 4 channels, conv2 writes 8.
    saved = 16 * 9 * 4 * (8 - 3) + 16 * 9 * (8 - 3) * 8
    assert flops(network, filters) == network.macs - saved


def test_weakest_filters_go_until_the_target(small_rpg, images):
    model = small_rpg().eval()
    network = model.network
    target = round(0.6 * network.macs)
    weights = model.effective_weights()
    left = prune_filters(model, target)
    filters = kept_filters(model)
    assert left == flops(network, filters) <= target
    assert left > target - 64 * 9 * 2 * 4 * 8  # one filter more would have been too many
    for layer in network.layers:
        assert filters[layer.name] == layer.outputs or layer.role is Role.INNER
        if layer.role is Role.INNER:
            norms = weights[layer.index].abs().sum((1, 2, 3))
            kept = model.convolutions[layer.index].norms[0].weight != 0
            assert norms[kept].min() >= norms[~kept].max() if (~kept).any() else True


def test_removed_filters_give_zero_and_stay_removed(small_rpg, images):
    model = small_rpg()
    prune_filters(model, round(0.5 * model.network.macs))
    before = kept_filters(model)
    train_a_little(model, images)
    seen = {}
    model.eval()(images, lambda layer, iteration, values: seen.update({layer.name: values}))
    assert kept_filters(model) == before
    for layer in model.network.layers[:-1]:
        if layer.role is Role.INNER:
            kept = kept_of(model.convolutions[layer.index].norms[0], "weight")
            assert (seen[layer.name][:, ~kept] == 0).all()
            assert int(kept.sum()) == before[layer.name] < layer.outputs + 1
    less = prune_filters(model, round(0.4 * model.network.macs))
    assert less <= 0.4 * model.network.macs
    assert all(after <= before[name] for name, after in kept_filters(model).items())


def test_filters_without_weights_go_first(small_rpg):
    model = small_rpg(addressing="plain", flips=False, dof=144)
    with torch.no_grad():
        model.rings[0].free.fill_(0.1)
    index = model.network.layer("stage1.entry.conv1").index
    drawn = model.effective_weights
    model.effective_weights = lambda: [
        w if i != index else w * torch.tensor([1.0, 1, 0, 1])[:, None, None, None] for i, w in enumerate(drawn())
    ]
    prune_filters(model, model.network.macs - 1)
    assert kept_filters(model)["stage1.entry.conv1"] == 3
    assert not model.convolutions[index].norms[0].weight[2]


def test_too_few_operations_are_refused(small_rpg):
    with pytest.raises(Refused, match="with one filter per layer, above 1"):
        prune_filters(small_rpg(), 1)


def test_pruned_values_are_zero_as_integers_too(small_rpg):
    model = small_rpg()
    prune_ring(list(model.rings), 100)
    kept = (copy.deepcopy(model).rings[0].free != 0).flatten().numpy()
    values, _ = make_integer(model.rings, 127)["ring"]
    assert not values[~kept].any()
