"""Recipes: what they refuse, and where they come from."""

import dataclasses

import pytest

from spec.refusal import Refused
from train.loop.recipe import Recipe

PLAIN = Recipe(epochs=10, batch=8)


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"optimizer": "lamb"}, "optimizer must be one of sgd, adam, radam, not 'lamb'"),
    ({"schedule": "poly"}, "schedule must be one of cosine, linear, step, exponential, constant, not 'poly'"),
    ({"small_sizes": (16,)}, r"an ascending epoch for each of --small-sizes; they are \[\] for \[16\]"),
    ({"small_sizes": (16, 24), "small_until": (3, 3)}, r"they are \[3, 3\] for \[16, 24\]"),
    ({"small_sizes": (16,), "small_until": (10,)}, r"must end before the last epoch \(10\), not at 10"),
    ({"alternate": True}, "--alternate says how images are swapped: give --mirror, too"),
    ({"average": 1.0}, "average must be at least 0 and less than 1, not 1.0"),
    ({"precision": "int8"}, "precision must be one of float32, bfloat16, float16, not 'int8'"),
    ({"epochs": 0}, "epochs must be from 1 to"),
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


def test_images_grow():
    recipe = Recipe(epochs=10, batch=8, small_sizes=(16, 24), small_until=(2, 5))
    assert [recipe.side(epoch) for epoch in range(7)] == [16, 16, 24, 24, 24, None, None]
    assert Recipe(epochs=1, batch=8).side(0) is None


def test_a_recipe_of_another_length_keeps_its_shares():
    recipe = Recipe(
        epochs=60, batch=8, warmup=6.0, small_sizes=(16, 24), small_until=(10, 42), schedule="step",
        milestones=(30.0, 45.0), period=3.0,
    )
    half = recipe.of_length(30)
    assert (half.epochs, half.warmup, half.period) == (30, 3, 1.5)
    assert (half.small_until, half.milestones) == ((5, 21), (15, 22.5))
    assert recipe.of_length(60) == recipe
    one, two, three = (recipe.of_length(epochs) for epochs in (1, 2, 3))
    assert (one.small_sizes, one.small_until) == ((), ())  # the last epoch is of whole images
    assert (two.small_sizes, two.small_until) == ((16,), (1,))
    assert (three.small_sizes, three.small_until) == ((16, 24), (1, 2))
