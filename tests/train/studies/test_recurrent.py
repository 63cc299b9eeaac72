"""The table of repeated sub-networks by one command."""

import json

from train.studies import recurrent
from train.studies.experiment import read_cell


def test_every_cell_is_where_it_belongs(tiny_study, tmp_path, capsys):
    assert recurrent.main([*tiny_study, "--repeats", "1,2", "--blocks", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["accuracies"]) == list(recurrent.VARIANTS)
    assert all(list(row) == ["1", "2"] for row in result["accuracies"].values())
    cells = list((tmp_path / "out" / "cells").iterdir())
    assert len(cells) == 10
    for path in cells:
        cell = read_cell(path)
        experiment = cell["experiment"]
        kind = (experiment["sharing"], experiment["own_norms"])
        name = next(n for n, settings in recurrent.VARIANTS.items()
                    if (settings["sharing"], settings.get("own_norms", True)) == kind)
        accuracy = cell["state"]["history"][-1]["held_out_accuracy"]
        assert result["accuracies"][name][str(experiment["repeats"])] == [accuracy]
