"""Recipe files and options become settings; every recipe that ships is sound."""

import argparse

import pytest

from spec.refusal import Refused
from spec.supermask import Mode
from train.data import DATASETS
from train.loop.recipe import Recipe
from train.loop.settings import Settings, add_settings_options, recipe_names, settings_from
from train.nets.config import Method, ModelConfig

IMAGES = {"digits": ((8, 8, 1), 10), "fashion-mnist": ((28, 28, 1), 10), "cifar10": ((32, 32, 3), 10),
          "cifar100": ((32, 32, 3), 100), "imagenet": ((224, 224, 3), 1000)}


def parsed(*options):
    parser = argparse.ArgumentParser()
    add_settings_options(parser)
    return settings_from(parser.parse_args(list(options)))


def test_defaults_are_the_demo():
    settings = parsed()
    assert settings == Settings(ModelConfig(), Recipe(epochs=15, batch=32, optimizer="adam", lr=3e-3), "digits")
    network = settings.model.topology("digits", (8, 8, 1), 10)
    assert sum(layer.weights for layer in network.layers) == 169_232


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_sound(name):
    settings = parsed("--recipe", name)
    assert settings.dataset in DATASETS
    network = settings.model.topology("t", *IMAGES[settings.dataset])
    assert network.layers[-1].outputs == IMAGES[settings.dataset][1]


def test_the_papers_schedules_are_there():
    cifar, imagenet = parsed("--recipe", "hfn-cifar").recipe, parsed("--recipe", "hfn-imagenet").recipe
    assert (cifar.epochs, cifar.batch, cifar.lr, cifar.weight_decay) == (200, 128, 0.1, 5e-4)
    assert (imagenet.epochs, imagenet.lr, imagenet.momentum, imagenet.weight_decay) == (100, 0.256, 0.875, 2**-15)
    assert (imagenet.warmup, imagenet.label_smoothing) == (5.0, 0.1)
    rpg = parsed("--recipe", "rpg-cifar").recipe
    assert (rpg.schedule, rpg.milestones, rpg.factor) == ("step", (60, 120, 160), 0.1)


def test_options_win_over_the_recipe(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[data]\ndataset = "cifar10"\nseed = 4\n[network]\nwidths = [8]\niterations = [2]\nmode = "2of4"\n'
                    "[training]\nepochs = 3\nbatch = 16\nmirror = true\n")
    settings = parsed("--recipe", str(path))
    assert settings == Settings(
        ModelConfig(widths=(8,), iterations=(2,), mode=Mode.TWO_OF_FOUR), Recipe(epochs=3, batch=16, mirror=True),
        "cifar10", seed=4,
    )
    settings = parsed(
        "--recipe", str(path), "--mode", "any", "--method", "hnn", "--epochs", "5", "--no-mirror", "--seed", "9",
        "--validation", "0.1", "--schedule", "step", "--milestones", "1,3",
    )
    assert (settings.model.mode, settings.model.method, settings.model.widths) == (Mode.ANY, Method.HNN, (8,))
    assert (settings.recipe.epochs, settings.recipe.mirror, settings.recipe.milestones) == (5, False, (1, 3))
    assert (settings.seed, settings.validation) == (9, 0.1)


@pytest.mark.parametrize(("text", "sentence"), [
    ("[data\n", "cannot be read"),
    ('[dataset]\nname = "digits"\n', "must have sections data, network, training; it has dataset"),
    ("[training]\nepochs = 1\nbatch = 1\n", r"must give dataset, and may give validation and seed; it has \[\]"),
    ('[data]\ndataset = "digits"\nsplit = 3\n', r"it has \['dataset', 'split'\]"),
    ('[data]\ndataset = "digits"\n[network]\ndepth = 3\n', "Unknown network setting 'depth' in recipe"),
    ('[data]\ndataset = "digits"\n[training]\nepochs = 1\n', "Recipe lacks the setting batch"),
    ('[data]\ndataset = "digits"\n[training]\nepochs = 1\nbatch = 2\nlearning_rate = 1\n', "Unknown recipe setting"),
])
def test_bad_recipes_are_refused(tmp_path, text, sentence):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(Refused, match=sentence):
        parsed("--recipe", str(path))
    with pytest.raises(Refused, match="cannot be read"):
        parsed("--recipe", str(tmp_path / "nowhere.toml"))


def test_differences_are_named():
    settings = parsed()
    assert settings.difference(settings.to_json()) is None
    assert parsed("--lr", "1").difference(settings.to_json()) == ("lr", 0.003, 1.0)
    assert parsed("--net-seed", "2").difference(settings.to_json()) == ("net_seed", 0, 2)
    assert parsed("--validation", "0.5").difference(settings.to_json()) == ("validation", 0.0, 0.5)


def test_checkpoints_older_than_a_setting_can_be_resumed():
    settings = parsed()
    then = settings.to_json()
    then = then | {"model": {name: value for name, value in then["model"].items() if name != "vary"}}
    assert settings.difference(then) is None
    assert parsed("--vary", "1").difference(then) == ("vary", 0, 1)
