"""One step: plain torch where nothing is divided, sums and means where it is."""

import copy
import dataclasses

import torch
from torch.nn import functional

from train.data.batches import Batches
from train.loop.optimize import make_optimizer
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.step import TrainingStep

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
