"""The four cells of Fig. 4b by one command."""

import json

from train.nets.addressing import Addressing
from train.studies import ablation
from train.studies.experiment import read_cell


def test_four_cells_per_seed(tiny_study, tmp_path, capsys):
    assert ablation.main([*tiny_study, "--dof", "144", "--seeds", "0,1"]) == 0
    out = capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert {name: len(values) for name, values in result["accuracies"].items()} == dict.fromkeys(ablation.VARIANTS, 2)
    settings = {}
    for path in (tmp_path / "out" / "cells").iterdir():
        cell = read_cell(path)
        name, _, seed = path.stem.rpartition("-")
        experiment = cell["experiment"]
        settings[name] = (experiment["addressing"], experiment["flips"])
        assert (experiment["dof"], experiment["seed"]) == (144, int(seed))
        accuracy = cell["state"]["history"][-1]["held_out_accuracy"]
        assert result["accuracies"][name][int(seed)] == accuracy
    assert settings == ablation.VARIANTS == {
        "permutation+flips": (Addressing.ELEMENT, True), "permutation": (Addressing.ELEMENT, False),
        "flips": (Addressing.PLAIN, True), "neither": (Addressing.PLAIN, False),
    }
    for name in ablation.VARIANTS:
        assert name in out
