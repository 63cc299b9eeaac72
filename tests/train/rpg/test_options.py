"""Data and results of the experiments' commands."""

import argparse
import json

import numpy as np
import pytest
from rich.table import Table

from spec.refusal import Refused
from train.rpg.options import (
    common,
    dataset_of,
    experiment_of,
    mean_and_deviation,
    prepared,
    processes_of,
    publish,
    recipe_of,
    some_integers,
)


def test_shrinking_averages_and_rounds_half_up(digits):
    small = prepared(digits, 3, 5)
    assert small.train_images.shape == (5, 2, 2, 1)
    assert small.test_images.shape == (450, 2, 2, 1)
    for i in range(5):
        for y in range(2):
            for x in range(2):
                part = digits.train_images[i, 3 * y : 3 * y + 3, 3 * x : 3 * x + 3, 0].astype(int)
                assert small.train_images[i, y, x, 0] == (2 * part.sum() + 9) // 18
    assert np.array_equal(small.train_labels, digits.train_labels[:5])
    assert small.digest != digits.digest


def test_all_images_as_they_are(digits):
    assert prepared(digits, 1, 0) is digits


@pytest.mark.parametrize(("shrink", "images", "words"), [
    (0, 0, "--shrink must be from 1 to 8"), (9, 0, "--shrink must be from 1 to 8"),
    (1, 1348, "--images must be from 0 to 1347"), (1, -1, "--images must be from 0"),
])
def test_impossible_data_are_refused(digits, shrink, images, words):
    with pytest.raises(Refused, match=words):
        prepared(digits, shrink, images)


def test_options_become_data_recipe_and_experiment(tiny, tmp_path):
    arguments = common("x", "words").parse_args([*tiny, "--lr", "0.2", "--seeds", "3,4"])
    assert len(dataset_of(arguments).train_images) == 200
    recipe = recipe_of(arguments)
    assert (recipe.epochs, recipe.batch, recipe.lr, recipe.optimizer, recipe.schedule) == (1, 50, 0.2, "sgd", "cosine")
    experiment = experiment_of(arguments, dof=5)
    assert (experiment.network, experiment.width, experiment.dof) == ("small", 4, 5)
    assert arguments.seeds == (3, 4)
    assert processes_of(arguments).device.type == "cpu"
    path = tmp_path / "recipe.toml"
    path.write_text("[training]\nepochs = 7\nbatch = 8\n")
    assert recipe_of(common("x", "words").parse_args(["--recipe", str(path)])).epochs == 7
    paper = recipe_of(common("x", "words").parse_args(["--recipe", "rpg-cifar"]))
    assert (paper.batch, paper.lr, paper.weight_decay, paper.milestones) == (128, 0.1, 5e-4, (60, 120, 160))


def test_some_integers():
    assert some_integers("1,20") == (1, 20)
    for text, words in (("1.5", r"not '1\.5'"), ("", "at least one integer")):
        with pytest.raises(argparse.ArgumentTypeError, match=words):
            some_integers(text)


def test_mean_and_deviation():
    assert mean_and_deviation([0.5]) == "50.00"
    assert mean_and_deviation([0.5, 0.6, 0.7]) == "60.00 +- 10.00"


@pytest.mark.parametrize("as_json", [False, True])
def test_results_are_written_and_printed(tiny, tmp_path, capsys, as_json):
    arguments = common("x", "words").parse_args(tiny + ["--json"] * as_json)
    table = Table("one")
    table.add_row("cell of the table")
    publish(arguments, {"answer": 42}, table, tmp_path / "more")
    path = tmp_path / "out" / "result.json"
    written = json.loads(path.read_text())
    assert (written["answer"], written["schema_version"], written["command"]["images"]) == (42, 1, 200)
    out = capsys.readouterr().out
    if as_json:
        assert json.loads(out) == written
    else:
        assert "cell of the table" in out
        assert out.splitlines()[-2:] == [str(path), str(tmp_path / "more")]
