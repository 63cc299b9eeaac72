"""Recipes: what they refuse, and where they come from."""

import dataclasses

import pytest

from spec.refusal import Refused
from train.loop.recipe import Recipe

PLAIN = Recipe(epochs=10, batch=8)


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"optimizer": "lamb"}, "optimizer must be one of sgd, adam, radam, not 'lamb'"),
    ({"schedule": "linear"}, "schedule must be one of cosine, step, exponential, constant, not 'linear'"),
    ({"precision": "int8"}, "precision must be one of float32, bfloat16, float16, not 'int8'"),
    ({"epochs": 0}, "epochs must be at least 1, not 0"),
    ({"lr": 0.0}, "lr must be more than 0 and at most 10, not 0.0"),
    ({"warmup": 10.0}, r"warmup must be below the epochs \(10\), not 10.0"),
    ({"label_smoothing": 1.0}, "label-smoothing must be at least 0 and less than 1, not 1.0"),
    ({"accumulate": 3}, r"batch must be a multiple of accumulate \(3\), not 8"),
    ({"milestones": (1,)}, "milestones must be ascending epochs with schedule 'step'"),
    ({"schedule": "step"}, "milestones must be ascending epochs with schedule 'step'"),
    ({"schedule": "step", "milestones": (4, 2)}, "milestones must be ascending"),
    ({"epochs": 2.5}, "epochs must be a whole number, not '2.5'"),
    ({"batch": True}, "batch must be a number, not True"),
    ({"mirror": 1}, "mirror must be true or false, not 1"),
    ({"lr": "fast"}, "lr must be a number, not 'fast'"),
])
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(Refused, match=sentence):
        dataclasses.replace(PLAIN, **settings)


def test_recipes_are_data():
    recipe = dataclasses.replace(PLAIN, schedule="step", milestones=(1, 2.5), mirror=True)
    assert Recipe.from_json(recipe.to_json()) == recipe
    given = {"epochs": 3, "batch": 16, "lr": 1, "milestones": [1, 2], "schedule": "step"}
    assert Recipe.from_json(given) == Recipe(epochs=3, batch=16, lr=1, milestones=(1, 2), schedule="step")
    for data, sentence in (
        ({"epochs": 3}, "Recipe lacks the setting batch"),
        ({"epochs": 3, "batch": 4, "epoch": 4}, "Unknown recipe setting 'epoch'"),
    ):
        with pytest.raises(Refused, match=sentence):
            Recipe.from_json(data)
