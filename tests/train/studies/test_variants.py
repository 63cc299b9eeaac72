"""Variants side by side: options become settings, results are written and printed."""

import json
from pathlib import Path

import pytest
from rich.table import Table

from spec.refusal import Refused
from train.nets.addressing import Addressing
from train.studies.variants import (
    VANILLA,
    accuracies_of,
    cells_of,
    judged_by,
    mean_and_deviation,
    own_parser,
    publish,
    ring_parser,
    seeds_of,
    settings_of,
)


@pytest.fixture
def parsed(tiny_study):
    def parse(*options):
        return ring_parser("x", "words", dof=320).parse_args([*tiny_study, *options])

    return parse


def test_options_become_settings(parsed, tmp_path):
    arguments = parsed("--lr", "0.2", "--seeds", "3,4")
    settings = settings_of(arguments, {"addressing": Addressing.PLAIN}, 4)
    recipe, rings = settings.recipe, settings.model.rings
    assert (recipe.epochs, recipe.batch, recipe.lr, recipe.optimizer, recipe.schedule) == (1, 50, 0.2, "sgd", "cosine")
    assert (settings.images, settings.seed, settings.model.net_seed) == (200, 4, 4)
    assert (rings.dof, rings.addressing, rings.flips) == (320, Addressing.PLAIN, True)
    assert settings_of(arguments, VANILLA, 0).model.rings.dof == 0
    paper = settings_of(ring_parser("x", "words", dof=320).parse_args(["--recipe", "rpg-cifar"]), {}, 0)
    assert (paper.recipe.batch, paper.recipe.milestones, paper.dataset) == (128, (60, 120, 160), "cifar100")
    assert (paper.model.method, paper.model.width, paper.shrink) == ("dense", 64, 1)


def test_a_cell_for_every_seed(parsed):
    groups = cells_of({"one": {"dof": 16}, "two": {}}, parsed("--seeds", "3,4"), {"two": (1,)}, drawn=("seed",))
    assert [[cell.name for cell in cells] for cells in groups.values()] == [["one-3", "one-4"], ["two-3", "two-4"]]
    assert [cell.settings.model.net_seed for cell in groups["one"]] == [0, 0]
    assert [cells[0].offsets for cells in groups.values()] == [(), (1,)]


def test_images_to_judge_by(parsed):
    whole, few = (judged_by(settings_of(parsed(), {}, 0), Path("nowhere"), most) for most in (10_000, 7))
    assert (len(whole.test_images), len(few.test_images), len(few.test_labels)) == (450, 7, 7)
    assert len(few.train_images) == 200
    held = judged_by(settings_of(parsed("--validation", "0.25"), {}, 0), Path("nowhere"), 100)
    assert (len(held.train_images), len(held.test_images)) == (150, 50)


def test_a_study_of_its_own_networks_offers_nothing_of_others():
    parser = own_parser("x", "words", "adam-minute", (4, 5))
    settings = settings_of(parser.parse_args(["--epochs", "3"]), {}, 6)
    assert (settings.recipe.epochs, settings.recipe.optimizer, settings.seed) == (3, "adam", 6)
    for option in ("--width", "--dof", "--jobs"):
        with pytest.raises(Refused, match="Unrecognized arguments"):
            parser.parse_args([option, "8"])
    assert seeds_of(parser.parse_args([])) == (4, 5)
    assert seeds_of(parser.parse_args(["--seeds", "7,7,3"])) == (7, 3)


@pytest.mark.parametrize(("options", "sentence"), [
    (["--seed", "1"], "Option --seed is one seed, but a study takes several; give --seeds"),
    (["--seeds", ""], "Give at least one of --seeds"),
])
def test_seeds_are_several(parsed, options, sentence):
    with pytest.raises(Refused, match=sentence):
        cells_of({"one": {}}, parsed(*options))


def test_accuracies_are_by_variant_and_seed(parsed, tmp_path):
    found = accuracies_of({"a": {"dof": 16}, "b": {"dof": 32}}, parsed("--seeds", "0,1"))
    assert {name: len(values) for name, values in found.items()} == {"a": 2, "b": 2}
    kept = json.loads((tmp_path / "out" / "cells" / "b-1" / "cell.json").read_text())
    assert found["b"][1] == kept["accuracy"]


def test_mean_and_deviation():
    assert mean_and_deviation([0.5]) == "50.00"
    assert mean_and_deviation([0.5, 0.6, 0.7]) == "60.00 +- 10.00"


@pytest.mark.parametrize("as_json", [False, True])
def test_results_are_written_and_printed(parsed, tmp_path, capsys, as_json):
    arguments = parsed(*(["--json"] * as_json))
    table = Table("one")
    table.add_row("cell of the table")
    publish(arguments, {"answer": 42}, table, tmp_path / "more", file="its.json")
    path = tmp_path / "out" / "its.json"
    written = json.loads(path.read_text())
    assert (written["answer"], written["schema_version"], written["command"]["images"]) == (42, 1, 200)
    out = capsys.readouterr().out
    if as_json:
        assert json.loads(out) == written
    else:
        assert "cell of the table" in out
        assert out.splitlines()[-2:] == [str(path), str(tmp_path / "more")]


def test_a_study_that_runs_one_at_a_time_takes_no_jobs():
    assert ring_parser("x", "words", dof=16).parse_args(["--jobs", "2"]).jobs == 2
    with pytest.raises(Refused, match="Unrecognized arguments: --jobs"):
        ring_parser("x", "words", dof=16, jobs=False).parse_args(["--jobs", "2"])
