"""Paces: what a training takes by its parts, and the epochs that fit a time. Times themselves are not tested."""

import dataclasses

import pytest
import torch

from train.loop.pace import Pace, measured
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.settings import Settings
from train.nets.config import Method, ModelConfig

PLAIN = Recipe(epochs=60, batch=8, warmup=2.0)
GROWING = dataclasses.replace(PLAIN, small_sizes=(16, 24), small_until=(10, 40))


def test_a_training_is_its_first_step_its_steps_and_its_judgements():
    found = Pace(start=5.0, step={None: 0.25, 16: 0.0625, 24: 0.125}, judging=2.0, steps=8)
    assert found.seconds(PLAIN.of_length(10)) == 5 + 10 * (8 * 0.25 + 2)
    assert found.seconds(GROWING) == 5 + 60 * 2 + 8 * (10 * 0.0625 + 30 * 0.125 + 20 * 0.25)


@pytest.mark.parametrize(("seconds", "epochs"), [
    (8.9, 0), (9, 1), (12.9, 1), (13, 2), (45, 10), (4004.9, 999), (4005, 1000),
])
def test_epochs_that_fit_are_the_most(seconds, epochs):
    assert Pace(start=5.0, step={None: 0.25}, judging=2.0, steps=8).epochs_in(seconds, PLAIN) == epochs


def test_epochs_of_growing_images_fit():
    found = Pace(start=5.0, step={None: 0.25, 16: 0.0625, 24: 0.125}, judging=2.0, steps=8)
    for seconds in (10, 50, 333, 1000):
        epochs = found.epochs_in(seconds, GROWING)
        assert found.seconds(GROWING.of_length(epochs)) <= seconds < found.seconds(GROWING.of_length(epochs + 1))


def test_measuring_leaves_what_is_learned_alone(digits, monkeypatch):
    """Every side has its pace, every part is above 0, and parameters are as they were."""
    models = []
    make = Settings.untrained
    monkeypatch.setattr(Settings, "untrained", lambda *known: models.append(make(*known)) or models[-1])
    recipe = Recipe(epochs=3, batch=16, small_sizes=(4,), small_until=(1,))
    settings = Settings(ModelConfig.of(Method.HFN, widths=(4, 8), iterations=(0, 2)), recipe, "digits")
    found = measured(settings, digits, Processes(0, 1, torch.device("cpu")), 0.0)
    assert set(found.step) == {4, None}
    assert found.steps == len(digits.train_images) // 16
    assert min(found.start, found.judging, *found.step.values()) > 0
    fresh = make(settings, digits)
    for now, before in zip(models[0].parameters(), fresh.parameters(), strict=True):
        assert torch.equal(now, before)
