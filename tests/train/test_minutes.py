"""Epochs by time: shares of it, wishes that do not hold one epoch, options that make a recipe so long."""

import dataclasses
from pathlib import Path

import pytest

from spec.refusal import Refused
from train import fit
from train.loop.pace import Pace
from train.loop.recipe import Recipe
from train.loop.settings import settings_from
from train.minutes import Job, length_options, look_at, plan

RECIPE = Recipe(epochs=60, batch=8, warmup=2.0)
#: 10 s around it, 1 s for the first step, then 4 s an epoch.
ONE = Job("one", 1.0, RECIPE, Pace(1.0, {None: 0.25}, 2.0, 8), 10.0, 1.1, {})
TWO = dataclasses.replace(ONE, name="two", share=3.0)


@pytest.mark.parametrize(("jobs", "seconds", "epochs"), [
    ([ONE], 100, [20]), ([ONE, TWO], 100, [3, 14]), ([TWO, ONE, ONE], 500, [67, 20, 20]), ([], 5, []),
])
def test_time_is_shared_and_a_part_kept_back(jobs, seconds, epochs):
    """0.93 of the time is promised: of 100 s, 93, of which 11 are not for epochs."""
    assert plan(jobs, seconds) == epochs


def test_a_time_without_an_epoch_is_refused_with_one_that_holds_it():
    with pytest.raises(Refused) as refusal:
        plan([TWO, ONE], 60)
    assert str(refusal.value) == (
        "The 60 s that are left of --minutes do not hold one epoch of one: its share is 15 s, but an epoch and its "
        "export take about 15 s. 65 s would do for all: give more --minutes or name fewer models"
    )
    assert plan([TWO, ONE], 65) == [8, 1]


def test_other_commands_are_refused():
    with pytest.raises(Refused, match=r"Model x is not made by train.fit and then train.export, so --minutes cannot"):
        look_at("x", 1.0, [["train.fit"], ["train.finetune"], ["train.export"]], 0.0, 0.0)


@pytest.mark.parametrize("options", [
    "--recipe digits --epochs 8", "--recipe cifar-gpu", "--recipe cifar-small",
    "--recipe digits --schedule step --milestones 1,2", "--recipe digits --schedule exponential --period 0.5",
])
@pytest.mark.parametrize("epochs", [1, 2, 3, 100])
def test_options_of_a_length_give_the_recipe_of_that_length(options, epochs):
    def read(words):
        return settings_from(fit.parser().parse_args(words)).recipe

    recipe = read(options.split())
    made = read([*options.split(), *length_options(recipe, epochs)])
    assert made == recipe.of_length(epochs)
    assert made.epochs == epochs


def test_a_look_finds_what_is_to_be_trained():
    """Times are above 0; what is measured is the recipe of the command."""
    training = ["train.fit", "--recipe=digits", "--widths=4,8", "--iterations=0,2", "--epochs=3", "--batch=128"]
    exporting = ["train.export", "--calibration=16", "--vectors=3", "--out=x.safetensors"]
    job = look_at("x", 2.0, [training, exporting], 0.0, 5.0)
    assert (job.name, job.share, job.recipe.epochs, job.pace.steps) == ("x", 2.0, 3, 1347 // 128)
    assert job.after > 2 * 5.0
    assert job.over_dense > 0
    assert job.least > job.after
    # An image, ten logits of 4 bytes; a byte a value: three executions store 4 channels of 8x8, seven 8 of 4x4.
    assert job.sizes[Path("x.vectors.safetensors")] == 3 * (64 + 40 + 3 * 256 + 7 * 128)
    assert job.sizes.keys() == {Path("x.safetensors"), Path("x.vectors.safetensors")}
