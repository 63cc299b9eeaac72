"""The training loop: the same bits whatever happens on the way, parts of a batch, accuracy, a loss that explodes."""

import contextlib
import copy
import dataclasses

import pytest
import torch
from torch import nn

from spec.refusal import Refused
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.trainer import Run, Trainer, accuracy
from train.nets.stretch import recalibrate

ALONE = Processes(0, 1, torch.device("cpu"))
RECIPE = Recipe(epochs=2, batch=4, lr=0.05, optimizer="sgd", crop_pad=1, mirror=True)


@pytest.fixture
def trainer(small_net):
    def make(dataset, **changes):
        how = {name: changes.pop(name) for name in ("report", "save_seconds") if name in changes}
        options = {"recipe": RECIPE, "seed": 5, "how": Run(ALONE, **how)} | changes
        return Trainer(small_net(), dataset, **options)

    return make


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_it_learns_and_records(halves, trainer):
    seen = []
    run = trainer(halves, recipe=dataclasses.replace(RECIPE, epochs=6), report=seen.append)
    history = run.run()
    assert seen == history
    assert [record["epoch"] for record in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["held_out_accuracy"] > 0.9
    assert history[-1]["held_out_accuracy"] == accuracy(run.model, halves.test_images, halves.test_labels)
    assert history[-1]["loss"] < history[0]["loss"]
    assert 0 < history[-1]["lr"] < history[0]["lr"] <= 0.05


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "radam"])
def test_every_saved_state_leads_to_the_same_bits(halves, trainer, optimizer):
    """States are saved in the middle of an epoch, too: after 20 of its 40 steps, and at its end."""
    recipe = dataclasses.replace(RECIPE, optimizer=optimizer)
    states = []
    whole = trainer(halves, recipe=recipe, save=lambda state: states.append(copy.deepcopy(state)), save_seconds=0)
    history = whole.run()
    assert [(state["epoch"], state["step"]) for state in states] == [(0, 20), (1, 0), (1, 20), (2, 0)]
    for state in states:
        resumed = trainer(halves, recipe=recipe, state=state)
        with torch.no_grad():
            resumed.model.conv.weight.zero_()  # what it started from does not matter
        again = resumed.run()
        assert same(resumed.model, whole.model)
        assert [record["loss"] for record in again] == [record["loss"] for record in history]


@pytest.mark.parametrize("changes", [
    {"average": 0.9}, {"settle": True}, {"small_sizes": (4,), "small_until": (1,)},
    {"alternate": True, "reflect": True, "cutout": 2},
])
def test_levers_are_functions_of_the_step_too(halves, trainer, changes):
    """From every saved state, in the middle of an epoch, too, the same bits follow."""
    recipe, states = dataclasses.replace(RECIPE, **changes), []
    whole = trainer(halves, recipe=recipe, save=lambda state: states.append(copy.deepcopy(state)), save_seconds=0)
    whole.run()
    assert len(states) > 2
    for state in states:
        resumed = trainer(halves, recipe=recipe, state=state)
        resumed.run()
        assert same(whole.model, resumed.model)


def test_an_average_is_what_remains(halves, trainer):
    """Of the parameters after every step; its batch norms are measured on training images."""
    seen = []

    def noted(step):
        seen.append({name: p.detach().clone() for name, p in run.model.named_parameters()})
        return contextlib.nullcontext()

    run = trainer(halves, recipe=dataclasses.replace(RECIPE, average=0.8), around=noted)
    run.run()
    plain = trainer(halves)
    plain.run()
    after = [*seen[1:], dict(plain.model.named_parameters())]  # the steps themselves are those without an average
    for name, parameter in run.model.named_parameters():
        mean = seen[0][name]
        for step, values in enumerate(after):
            mean = mean + (1 - min(0.8, (1 + step) / (10 + step))) * (values[name] - mean)
        assert torch.allclose(parameter, mean, atol=1e-5)
        assert not torch.equal(parameter, after[-1][name])


def test_batch_norms_that_settle_are_those_of_training_images(halves, trainer):
    """Parameters are what they are without it, and statistics what measuring them again makes of these."""
    settled, plain = trainer(halves, recipe=dataclasses.replace(RECIPE, settle=True)), trainer(halves)
    settled.run()
    plain.run()
    assert not same(settled.model, plain.model)
    recalibrate(plain.model, halves.train_images)
    assert same(settled.model, plain.model)


def test_a_loss_that_explodes_stops_the_run_with_the_last_good_state(halves, trainer):
    states = []
    run = trainer(halves, save=lambda state: states.append(copy.deepcopy(state)))

    run.model.register_forward_hook(lambda model, images, logits: logits * (float("nan") if states else 1))
    with pytest.raises(Refused, match=r"Training diverged in epoch 2 \(loss nan\); the last good state is kept; lower"):
        run.run()
    assert [(state["epoch"], state["step"]) for state in states] == [(1, 0)]
    assert all(value.isfinite().all() for value in states[0]["model"].values())


def test_parameters_that_are_no_numbers_stop_the_run_at_the_next_look(halves, trainer):
    """Though the loss does not show it: masks are selected of scores that are NaN, too, on a device."""
    states = []
    run = trainer(halves, save=lambda state: states.append(copy.deepcopy(state)), save_seconds=0)
    run.model.register_parameter("idle", nn.Parameter(torch.zeros(3)))

    def spoil(step):
        if step == 25:
            run.model.idle.data[1] = float("nan")
        return contextlib.nullcontext()

    run.around = spoil
    with pytest.raises(Refused, match=r"diverged in epoch 1 \(parameters that are no numbers\); the last good"):
        run.run()
    assert [(state["epoch"], state["step"]) for state in states] == [(0, 20)]
    assert all(value.isfinite().all() for value in states[0]["model"].values())


@pytest.mark.parametrize(("holds", "accumulate", "sentence"), [
    (9, 1, "step of 16 images at once, but it holds 8: give --batch 8, or --accumulate 2 for the same batch in parts"),
    (3, 2, "step of 8 images at once, but it holds 2: give --batch 4, or --accumulate 8 for the same batch in parts"),
    (0, 1, "memory does not hold a training step of one image; train a smaller network"),
])
def test_memory_that_runs_out_says_the_batch_that_fits(halves, trainer, holds, accumulate, sentence):
    """The limit is ours, the error is the one that torch raises."""
    run = trainer(halves, recipe=dataclasses.replace(RECIPE, batch=16, accumulate=accumulate))

    def limited(model, inputs):
        if len(inputs[0]) > holds:
            raise torch.OutOfMemoryError("CUDA out of memory")

    run.model.register_forward_pre_hook(limited)
    with pytest.raises(Refused, match=sentence):
        run.run()


def test_batches_that_cannot_be_shared_are_refused(halves, trainer):
    with pytest.raises(Refused, match="--batch must be from 1 to 160, the training images of halves, not 400"):
        trainer(halves, recipe=dataclasses.replace(RECIPE, batch=400)).run()


@pytest.mark.parametrize("changes", [{"precision": "bfloat16"}, {"label_smoothing": 0.1}])
def test_options_train_otherwise(halves, trainer, changes):
    plain, other = trainer(halves), trainer(halves, recipe=dataclasses.replace(RECIPE, **changes))
    plain.run()
    history = other.run()
    assert not same(plain.model, other.model)
    assert history[-1]["held_out_accuracy"] > 0.6


@pytest.mark.parametrize("channels_last", [False, True])
def test_layout(halves, trainer, channels_last):
    run = trainer(halves, recipe=dataclasses.replace(RECIPE, channels_last=channels_last))
    run.model.conv = nn.Sequential(run.model.conv, nn.Conv2d(4, 4, 3))
    run.run()
    assert run.model.conv[1].weight.is_contiguous(memory_format=torch.channels_last) == channels_last
