"""The comparison commands: what they train, what they say of it."""

import json

import pytest

from spec.refusal import Refused
from train.nets.config import Method, ModelConfig
from train.sizes import chip_bytes, size_of
from train.studies import compare

TINY = ["--recipe", "digits", "--widths", "4,8", "--iterations", "0,2", "--epochs", "1", "--images", "64"]


def test_methods(tmp_path, capsys):
    command = ["methods", *TINY, "--seeds", "3", "--out", str(tmp_path)]
    assert compare.main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "methods.json").read_text()) == result
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows) == ["dense", "folded", "hnn", "hfn"]
    for name, row in rows.items():
        cell = json.loads((tmp_path / "cells" / f"{name}-3" / "cell.json").read_text())
        settings = cell["key"]["settings"]
        assert (settings["model"]["method"], settings["seed"], settings["images"]) == (name, 3, 64)
        assert (row["seeds"], row["accuracies"]) == ([3], [cell["accuracy"]])
        method = Method(name)
        network = ModelConfig.of(method, widths=(4, 8), iterations=(0, 2)).topology("t", (8, 8, 1), 10)
        size = size_of(network, method)
        assert (row["parameters"], row["bytes"]) == (size.parameters, size.bytes)
        assert row.get("chip_bytes") == (chip_bytes(network) if method.masks else None)
    assert compare.main(command) == 0  # From the finished cells.
    assert "methods.json" in capsys.readouterr().out


def test_every_idea_is_another_network(tmp_path):
    arguments = compare.parser().parse_args(["ideas", *TINY, "--seeds", "0,5", "--out", str(tmp_path)])
    cells = compare.cells_of(compare.IDEAS, arguments, compare.OFFSETS, drawn=("seed",))
    models = [group[0].settings.model for group in cells.values()]
    assert all(model not in models[:i] for i, model in enumerate(models))
    assert models[0] == ModelConfig(widths=(4, 8), iterations=(0, 2))
    assert [(cell.settings.seed, cell.settings.model.net_seed) for cell in cells["1of4"]] == [(0, 0), (5, 0)]
    assert {name for name, group in cells.items() if group[0].offsets} == {"shared-norm", "shared-norm-varied"}


def test_every_lever_is_one_change_of_the_recipe(tmp_path):
    short = ["--epochs", "2", "--warmup", "1", "--small-sizes", "", "--small-until", ""]
    options = ["levers", "--recipe", "cifar-small", *short, "--seeds", "0", "--out", str(tmp_path)]
    arguments = compare.parser().parse_args(options)
    cells = compare.cells_of(compare.LEVERS, arguments, compare.OFFSETS, drawn=("seed",))
    settings = [group[0].settings for group in cells.values()]
    assert all(one not in settings[:i] for i, one in enumerate(settings))


def test_bad_options_are_refused(tmp_path):
    for options, message in (
        (["--seed", "1"], "Option --seed is one seed"), (["--jobs", "0"], "Option --jobs must be from 1 to"),
        (["--seeds", ""], "at least one of --seeds"), (["--images", "9999"], "Option --images must be from 0 to 1347"),
    ):
        with pytest.raises(Refused, match=message):
            compare.main(["methods", *TINY, *options, "--out", str(tmp_path)])
