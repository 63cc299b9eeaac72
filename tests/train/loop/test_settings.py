"""Recipe files and options become settings; every recipe that ships is sound."""


import dataclasses
import json

import pytest
import torch

from console.command import CommandParser
from spec.refusal import Refused
from spec.supermask import Mode
from train.data import DATASETS
from train.loop.recipe import Recipe
from train.loop.settings import Settings, add_settings_options, recipe_names, settings_from
from train.nets.addressing import Addressing
from train.nets.config import Method, ModelConfig
from train.nets.ring_plan import Rings, Scope

IMAGES = {"digits": ((8, 8, 1), 10), "fashion-mnist": ((28, 28, 1), 10), "cifar10": ((32, 32, 3), 10),
          "cifar100": ((32, 32, 3), 100), "imagenet": ((224, 224, 3), 1000)}


#: What dense networks have otherwise.
DENSE = {"weights": "normal", "affine": True}


def parsed(*options):
    parser = CommandParser()
    add_settings_options(parser)
    return settings_from(parser.parse_args(list(options)))


def test_defaults_are_the_demo():
    settings = parsed()
    assert settings == Settings(ModelConfig(), Recipe(epochs=15, batch=32, optimizer="adam", lr=3e-3), "digits")
    network = settings.model.topology("digits", (8, 8, 1), 10)
    assert sum(layer.weight_count for layer in network.layers) == 169_232


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
    ("[data\n", "is no TOML"),
    ('[dataset]\nname = "digits"\n', "must have sections data, network, rings, training; it has dataset"),
    ("[training]\nepochs = 1\nbatch = 1\n", r"does not say on what to train; give --dataset"),
    ('[data]\ndataset = "digits"\nsplit = 3\n', r"Unknown setting 'split' in section \[data\]"),
    ('[data]\ndataset = "digits"\n[network]\ndepth = 3\n', "Unknown setting 'depth' in section .network. of recipe"),
    ('[data]\ndataset = "digits"\n[training]\nepochs = 1\n', "Recipe lacks the setting batch"),
    ('[data]\ndataset = "digits"\n[training]\nepochs = 1\nbatch = 2\nspeed = 1\n', "Unknown setting 'speed'"),
    ('[data]\ndataset = "digits"\n[rings]\nscope = "stage"\n', "Option --scope says how rings are; give --dof"),
])
def test_bad_recipes_are_refused(tmp_path, text, sentence):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(Refused, match=sentence):
        parsed("--recipe", str(path))
    with pytest.raises(Refused, match=r"nowhere.toml does not exist"):
        parsed("--recipe", str(tmp_path / "nowhere.toml"))


def test_differences_are_named():
    settings = parsed()
    assert settings.difference(settings) is None
    assert parsed("--lr", "1").difference(settings) == ("lr", 0.003, 1.0)
    assert parsed("--net-seed", "2").difference(settings) == ("net_seed", 0, 2)
    assert parsed("--validation", "0.5").difference(settings) == ("validation", 0.0, 0.5)
    assert parsed("--shrink", "2").difference(settings) == ("shrink", 1, 2)
    assert parsed("--dof", "48").difference(parsed("--dof", "64")) == ("dof", 64, 48)


def test_checkpoints_older_than_a_setting_can_be_resumed():
    settings = parsed()
    then = settings.to_json()
    then = Settings.from_json(
        then | {"model": {name: value for name, value in then["model"].items() if name != "vary"}}
    )
    assert settings.difference(then) is None
    assert parsed("--vary", "1").difference(then) == ("vary", 0, 1)


@pytest.mark.parametrize("method", list(Method))
def test_what_is_not_given_is_the_methods(method):
    assert parsed("--method", method).model == ModelConfig.of(method)


@pytest.mark.parametrize(("words", "settings"), [
    ("--network resnet50", {"network": "resnet50"}),
    ("--widths 4,8 --iterations 0,2", {"widths": (4, 8), "iterations": (0, 2)}),
    ("--stem 5,2", {"stem": (5, 2)}),
    ("--width 32 --wider 1.5", {"width": 32, "wider": 1.5}),
    ("--stages 3,4,23,3 --fold 2,3", {"stages": (3, 4, 23, 3), "fold": (2, 3)}),
    ("--fold=", {"fold": ()}),
    ("--mode max1of4 --density 0.2", {"mode": "max1of4", "density": 0.2}),
    ("--layer-density stem=1.0,classifier=0.5", {"densities": {"stem": 1.0, "classifier": 0.5}}),
    ("--weights normal --norm layer", {"weights": "normal", "norm": "layer"}),
    ("--affine --bias --net-seed 5", {"affine": True, "bias": True, "net_seed": 5}),
    ("--dof 48", {"rings": Rings(48), "affine": True}),
    ("--dof 5 --addressing element --no-flips --scope stage --parts stem,classifier", {
        "rings": Rings(5, Addressing.ELEMENT, False, Scope.STAGE, ("stem", "classifier")), "affine": True,
    }),
    ("--network vit --method dense --patch 4", {"network": "vit", "method": "dense", "patch": 4, **DENSE}),
    ("--network repeated --method dense --blocks 1 --repeats 3 --sharing tied --no-own-norms", {
        "network": "repeated", "method": "dense", "blocks": 1, "repeats": 3, "sharing": "tied", "own_norms": False,
        **DENSE,
    }),
])
def test_every_option_of_a_network_arrives(words, settings):
    assert parsed(*words.split()).model == ModelConfig(**settings)


def test_every_setting_has_an_option():
    parser = CommandParser()
    add_settings_options(parser)
    offered = {action.dest for action in parser._actions}
    settings = {field.name for kind in (Settings, ModelConfig, Rings, Recipe) for field in dataclasses.fields(kind)}
    assert settings - {"model", "recipe", "rings", "finetuning", "teacher"} == offered - {"help", "recipe"}


def test_dense_without_affine():
    assert not parsed("--method", "dense", "--no-affine").model.affine


@pytest.mark.parametrize(("words", "message"), [
    (["--widths", "4,x"], r"Option --widths must be numbers with commas, 1 to 4096 each, not '4,x'; see"),
    (["--layer-density", "stem"], "Option --layer-density must be names and values, as in a=1,b=2, not 'stem'"),
    (["--mode", "3of4"], "Option --mode must be one of any, 2of4, 1of4, max1of4, not '3of4'"),
    (["--scope", "stage"], "Option --scope says how rings are; give --dof, their values, as well"),
])
def test_bad_options_are_refused(words, message):
    with pytest.raises(Refused, match=message):
        parsed(*words)


def test_plain_form_says_no_more_than_it_did_before_there_were_rings():
    plain = parsed().to_json()
    assert not {"rings", "patch", "sharing", "shrink", "images"} & (plain.keys() | plain["model"].keys())


@pytest.mark.parametrize("words", [
    "", "--dof 48 --scope stage --shrink 2 --images 100", "--network vit --method dense --patch 4",
])
def test_plain_form_and_back(words):
    settings = parsed(*words.split())
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_the_data_are_shrunk_and_cut_as_the_settings_say(digits):
    dataset = parsed("--shrink", "2", "--images", "100").load("nowhere")
    assert dataset.train_images.shape == (100, 4, 4, 1)
    assert dataset.digest == digits.prepared(2, 100).digest
    assert parsed().load("nowhere").digest == digits.digest


@pytest.mark.parametrize("words", ["--mode 2of4", "--dof 320", "--network vit --method dense"])
def test_an_untrained_network_is_the_seeds(digits, words):
    one, same, other = (parsed(*words.split(), "--seed", seed).untrained(digits).state_dict() for seed in "331")
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)
