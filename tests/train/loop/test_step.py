"""One step: plain torch where nothing is divided, sums and means where it is; rates and groups as a recipe means."""

import copy
import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from spec.supermask import Mode
from spec.topologies import residual_network
from train.data.batches import Batches
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.step import TrainingStep, learning_rate, make_optimizer
from train.nets.config import ModelConfig
from train.nets.model import HiddenFoldNet

ALONE = Processes(0, 1, torch.device("cpu"))
RECIPE = Recipe(epochs=2, batch=4, lr=0.05, crop_pad=1, mirror=True)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_step_is_one_of_plain_torch(halves, small_net):
    model = small_net()
    other = copy.deepcopy(model)
    step = TrainingStep(model, make_optimizer(RECIPE, model), RECIPE, ALONE)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.07, momentum=0.9)
    batches = Batches(halves, batch=4, seed=1, augmentation=RECIPE.augmentation, device=ALONE.device)
    for images, labels in batches.epoch(0):
        step(images, labels, 0.07)
        optimizer.zero_grad()
        functional.cross_entropy(other(images), labels).backward()
        optimizer.step()
    assert same(model, other)


def test_parts_of_a_batch_add_up(halves, small_net):
    """Gradients are the mean over the parts, running statistics the mean of what each part leaves."""
    model = small_net()
    parts = [copy.deepcopy(model), copy.deepcopy(model)]
    recipe = dataclasses.replace(RECIPE, accumulate=2)
    images, labels = torch.from_numpy(halves.train_images[:8]), torch.from_numpy(halves.train_labels[:8])
    step = TrainingStep(model, torch.optim.SGD(model.parameters(), lr=1.0), recipe, ALONE)
    before = copy.deepcopy(model)
    loss = step(images, labels, 1.0)
    losses = []
    for part, i in zip(parts, (0, 4), strict=True):
        losses.append(functional.cross_entropy(part(images[i : i + 4]), labels[i : i + 4]) / 2)
        losses[-1].backward()
    assert loss == sum(losses)
    for now, then, one, two in zip(
        model.parameters(), before.parameters(), parts[0].parameters(), parts[1].parameters(), strict=True
    ):
        assert torch.equal(now, then - (one.grad + two.grad))
    assert torch.equal(model.norm.running_mean, parts[0].norm.running_mean / 2 + parts[1].norm.running_mean / 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Torch's compiler has its own; most of the minute is a C++ compiler's.
@pytest.mark.parametrize("mode", [Mode.ANY, Mode.AT_MOST_ONE])
def test_compiled_steps_lose_the_same(halves, mode):
    losses = []
    network = residual_network("t", image=(6, 6, 1), classes=2, widths=(4, 8), iterations=(0, 2), mode=mode)
    for compiled in (False, True):
        model = HiddenFoldNet(network, ModelConfig(affine=True), torch.Generator().manual_seed(4))
        recipe = dataclasses.replace(RECIPE, batch=32, compile=compiled)
        step = TrainingStep(model, make_optimizer(recipe, model), recipe, ALONE)
        batches = Batches(halves, batch=32, seed=1, augmentation=recipe.augmentation, device=ALONE.device)
        losses.append([step(images, labels, 0.05).item() for images, labels in batches.epoch(0)])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


PLAIN = Recipe(epochs=10, batch=8)


def rates(steps=4, **settings):
    recipe = dataclasses.replace(PLAIN, **settings)
    return [learning_rate(recipe, step, steps) for step in range(recipe.epochs * steps)]


def test_cosine_falls_from_the_peak_to_nearly_nothing():
    found = rates(lr=0.2)
    assert found[0] == 0.2
    assert found[20] == pytest.approx(0.1)
    assert found[-1] == pytest.approx(0.2 * 0.5 * (1 + math.cos(math.pi * 39 / 40)))
    assert found == sorted(found, reverse=True)


def test_linear_falls_from_the_peak_to_nearly_nothing():
    recipe = Recipe(epochs=4, batch=1, lr=0.8, schedule="linear", warmup=1.0)
    rates = [learning_rate(recipe, step, 10) for step in range(40)]
    assert rates[10] == 0.8
    assert rates[25] == pytest.approx(0.4)
    assert rates[39] == pytest.approx(0.8 / 30)
    assert rates[:10] == sorted(rates[:10])


def test_normalizations_have_a_rate_of_their_own(halves, small_net):
    recipe = Recipe(epochs=1, batch=4, lr=0.1, norm_lr=0.02)
    model = small_net()
    optimizer = make_optimizer(recipe, model)
    step = TrainingStep(model, optimizer, recipe, ALONE)
    step(torch.from_numpy(halves.train_images[:4]), torch.from_numpy(halves.train_labels[:4]), 0.05)
    rates = {group["params"][0].ndim > 1: group["lr"] for group in optimizer.param_groups}
    assert rates == {True: 0.05, False: pytest.approx(0.01)}


def test_warmup_rises_to_the_peak_where_the_schedule_begins():
    found = rates(lr=0.2, warmup=2.5)
    assert found[:10] == pytest.approx([0.2 * (step + 1) / 11 for step in range(10)])
    assert found[10] == 0.2
    assert found[25] == pytest.approx(0.1)  # half way between epochs 2.5 and 10


def test_steps_exponential_and_constant():
    found = rates(schedule="step", milestones=(3, 5), factor=0.1, lr=1.0)
    assert found[11] == 1.0
    assert found[12] == pytest.approx(0.1)
    assert found[19] == pytest.approx(0.1)
    assert found[20] == pytest.approx(0.01)
    found = rates(schedule="exponential", factor=0.5, period=2.0, lr=1.0)
    assert found[8] == pytest.approx(0.5)
    assert found[4] == pytest.approx(0.5**0.5)
    assert set(rates(schedule="constant", lr=0.3)) == {0.3}


@pytest.mark.parametrize(("settings", "kind"), [
    ({"optimizer": "sgd", "momentum": 0.8, "nesterov": True}, torch.optim.SGD),
    ({"optimizer": "adam"}, torch.optim.Adam),
    ({"optimizer": "radam"}, torch.optim.RAdam),
])
@pytest.mark.parametrize("decay_norms", [True, False])
def test_optimizers_and_decay(settings, kind, decay_norms):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model[0].bias.requires_grad_(False)
    recipe = dataclasses.replace(PLAIN, weight_decay=0.01, decay_norms=decay_norms, **settings)
    optimizer = make_optimizer(recipe, model)
    assert type(optimizer) is kind
    weights, norms = optimizer.param_groups
    assert [p is q for p, q in zip(weights["params"], [model[0].weight], strict=True)] == [True]
    assert len(norms["params"]) == 2
    assert (weights["weight_decay"], norms["weight_decay"]) == (0.01, 0.01 if decay_norms else 0.0)
    if kind is torch.optim.SGD:
        assert (weights["momentum"], weights["nesterov"]) == (0.8, True)
