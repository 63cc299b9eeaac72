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
    ({"lr": 0.0}, "lr must be above 0 and at most 10, not 0.0"),
    ({"warmup": 10.0}, "warmup must be from 0 to below 10, not 10.0"),
    ({"label_smoothing": 1.0}, "label_smoothing must be from 0 to below 1, not 1.0"),
    ({"accumulate": 3}, r"batch must be a multiple of accumulate \(3\), not 8"),
    ({"milestones": (1,)}, "milestones must be ascending epochs with schedule 'step'"),
    ({"schedule": "step"}, "milestones must be ascending epochs with schedule 'step'"),
    ({"schedule": "step", "milestones": (4, 2)}, "milestones must be ascending"),
    ({"epochs": 2.5}, "epochs must be of type int, not 2.5"),
    ({"batch": True}, "batch must be of type int, not True"),
    ({"mirror": 1}, "mirror must be of type bool, not 1"),
    ({"lr": "fast"}, "lr must be of type float, not 'fast'"),
])
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(Refused, match=sentence):
        dataclasses.replace(PLAIN, **settings)


def test_recipes_are_data(tmp_path):
    recipe = dataclasses.replace(PLAIN, schedule="step", milestones=(1, 2.5), mirror=True)
    assert Recipe.from_json(recipe.to_json()) == recipe
    path = tmp_path / "recipe.toml"
    path.write_text('[training]\nepochs = 3\nbatch = 16\nlr = 1\nmilestones = [1, 2]\nschedule = "step"\n')
    assert Recipe.load(path) == Recipe(epochs=3, batch=16, lr=1, milestones=(1, 2), schedule="step")
    for text, sentence in (
        ("[training]\nepochs = 3\n", "Recipe lacks the setting batch"),
        ("[training]\nepochs = 3\nbatch = 4\nepoch = 4\n", "Unknown recipe setting 'epoch'"),
        ("[trainin]\n", r"is no TOML file with a section \[training\]"),
        ("[training\n", r"is no TOML file with a section \[training\]"),
    ):
        path.write_text(text)
        with pytest.raises(Refused, match=sentence):
            Recipe.load(path)
