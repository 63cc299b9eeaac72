"""The training loop: the same bits whatever happens on the way, parts of a batch, accuracy, a loss that explodes."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from spec.refusal import Refused
from train.data import Dataset
from train.data.batches import Batches
from train.optimize import make_optimizer
from train.processes import Processes
from train.recipe import Recipe
from train.step import TrainingStep
from train.trainer import Trainer, accuracy

ALONE = Processes(0, 1, torch.device("cpu"))
RECIPE = Recipe(epochs=2, batch=4, lr=0.05, optimizer="sgd", crop_pad=1, mirror=True)


class Small(nn.Module):
    """A convolution, a batch norm and a classifier."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.out = nn.Linear(4, 2)

    def forward(self, images):
        x = functional.relu(self.norm(self.conv(images.permute(0, 3, 1, 2) / 255)))
        return self.out(x.mean((2, 3)))


@pytest.fixture(scope="module")
def dataset():
    """Images brighter in their upper or in their lower half."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 200)
    images = rng.integers(0, 120, (200, 6, 6, 1), dtype=np.uint8)
    images[labels == 0, :3] += 100
    images[labels == 1, 3:] += 100
    return Dataset("halves", images[:160], labels[:160], images[160:], labels[160:], 2)


def trainer(dataset, **changes):
    torch.manual_seed(3)
    options = {"recipe": RECIPE, "seed": 5, "processes": ALONE} | changes
    return Trainer(Small(), dataset, **options)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_it_learns_and_records(dataset):
    seen = []
    run = trainer(dataset, recipe=dataclasses.replace(RECIPE, epochs=6), report=seen.append)
    history = run.run()
    assert seen == history
    assert [record["epoch"] for record in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["held_out_accuracy"] > 0.9
    assert history[-1]["held_out_accuracy"] == accuracy(run.model, dataset.test_images, dataset.test_labels)
    assert history[-1]["loss"] < history[0]["loss"]
    assert 0 < history[-1]["lr"] < history[0]["lr"] <= 0.05


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "radam"])
def test_every_saved_state_leads_to_the_same_bits(dataset, optimizer):
    """States are saved in the middle of an epoch, too: after 20 of its 40 steps, and at its end."""
    recipe = dataclasses.replace(RECIPE, optimizer=optimizer)
    states = []
    whole = trainer(dataset, recipe=recipe, save=lambda state: states.append(copy.deepcopy(state)), save_seconds=0)
    history = whole.run()
    assert [(state["epoch"], state["step"]) for state in states] == [(0, 20), (1, 0), (1, 20), (2, 0)]
    for state in states:
        torch.manual_seed(99)
        resumed = Trainer(Small(), dataset, recipe, 5, ALONE, state=state)
        again = resumed.run()
        assert same(resumed.model, whole.model)
        assert [record["loss"] for record in again] == [record["loss"] for record in history]


def test_a_step_is_one_of_plain_torch(dataset):
    torch.manual_seed(1)
    model = Small()
    other = copy.deepcopy(model)
    step = TrainingStep(model, make_optimizer(RECIPE, model), RECIPE, ALONE)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.07, momentum=0.9)
    batches = Batches(dataset, batch=4, seed=1, augmentation=RECIPE.augmentation, device=ALONE.device)
    for images, labels in batches.epoch(0):
        step(images, labels, 0.07)
        optimizer.zero_grad()
        functional.cross_entropy(other(images), labels).backward()
        optimizer.step()
    assert same(model, other)


def test_parts_of_a_batch_add_up(dataset):
    """Gradients are the mean over the parts, running statistics the mean of what each part leaves."""
    torch.manual_seed(1)
    model = Small()
    parts = [copy.deepcopy(model), copy.deepcopy(model)]
    recipe = dataclasses.replace(RECIPE, accumulate=2)
    images, labels = torch.from_numpy(dataset.train_images[:8]), torch.from_numpy(dataset.train_labels[:8])
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


def test_a_loss_that_explodes_stops_the_run_with_the_last_good_state(dataset):
    states = []
    run = trainer(dataset, save=lambda state: states.append(copy.deepcopy(state)))

    class Exploding(Small):
        def forward(self, images):
            return super().forward(images) * (float("nan") if len(states) else 1)

    torch.manual_seed(3)
    run.model = Exploding()
    with pytest.raises(Refused, match=r"Training diverged in epoch 2 \(loss nan\); the last good state is kept; lower"):
        run.run()
    assert [(state["epoch"], state["step"]) for state in states] == [(1, 0)]
    assert all(value.isfinite().all() for value in states[0]["model"].values())


def test_batches_that_cannot_be_shared_are_refused(dataset):
    with pytest.raises(Refused, match="--batch must be from 1 to 160, the training images of halves, not 400"):
        trainer(dataset, recipe=dataclasses.replace(RECIPE, batch=400)).run()


@pytest.mark.parametrize("changes", [{"precision": "bfloat16"}, {"label_smoothing": 0.1}])
def test_options_train_otherwise(dataset, changes):
    plain, other = trainer(dataset), trainer(dataset, recipe=dataclasses.replace(RECIPE, **changes))
    plain.run()
    history = other.run()
    assert not same(plain.model, other.model)
    assert history[-1]["held_out_accuracy"] > 0.6


@pytest.mark.parametrize("channels_last", [False, True])
def test_layout(dataset, channels_last):
    run = trainer(dataset, recipe=dataclasses.replace(RECIPE, channels_last=channels_last))
    run.model.conv = nn.Sequential(run.model.conv, nn.Conv2d(4, 4, 3))
    run.run()
    assert run.model.conv[1].weight.is_contiguous(memory_format=torch.channels_last) == channels_last
