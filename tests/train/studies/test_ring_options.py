"""Data and results of the experiments' commands."""

import argparse
import json

import pytest
from rich.table import Table

from train.studies.ring_options import (
    common,
    dataset_of,
    experiment_of,
    mean_and_deviation,
    processes_of,
    publish,
    recipe_of,
    some_integers,
)


def test_options_become_data_recipe_and_experiment(tiny_study, tmp_path):
    arguments = common("x", "words").parse_args([*tiny_study, "--lr", "0.2", "--seeds", "3,4"])
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
def test_results_are_written_and_printed(tiny_study, tmp_path, capsys, as_json):
    arguments = common("x", "words").parse_args(tiny_study + ["--json"] * as_json)
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
