"""Options of a network: every one of them arrives, what is not given is the method's."""

import argparse
import dataclasses

import pytest

from train.loop.options import add_model_options, given_model_settings
from train.nets.config import Method, ModelConfig


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    given = given_model_settings(parser.parse_args(words))
    return ModelConfig.of(given.pop("method", Method.HFN), **given)


@pytest.mark.parametrize("method", list(Method))
def test_what_is_not_given_is_the_methods(method):
    assert parsed("--method", method) == ModelConfig.of(method)


def test_no_option_is_the_hidden_fold_network():
    assert parsed() == ModelConfig()


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
])
def test_every_option_arrives(words, settings):
    assert parsed(*words.split()) == ModelConfig(**settings)


def test_every_setting_has_an_option():
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    offered = {action.dest for action in parser._actions}
    assert {field.name for field in dataclasses.fields(ModelConfig)} == offered - {"help"}


def test_dense_without_affine():
    assert not parsed("--method", "dense", "--no-affine").affine


@pytest.mark.parametrize(("words", "message"), [
    (["--widths", "4,x"], "needs integers with commas, as in 16,32,64, not '4,x'"),
    (["--layer-density", "stem"], "needs names and values, as in stem=1.0, not 'stem'"),
])
def test_ill_typed_options_are_bad_usage(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        parsed(*words)
    assert message in capsys.readouterr().err
