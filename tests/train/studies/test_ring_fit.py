"""One network with rings by one command, and again without training."""

import json

import pytest

from spec.refusal import Refused
from train.studies import ring_fit as fit
from train.studies.experiment import read_cell


def test_the_cell_is_written_once(tiny_study, tmp_path, capsys):
    options = [*tiny_study, "--dof", "320", "--parts", "stem,shortcut", "--scope", "stage", "--no-flips"]
    assert fit.main(options) == 0
    captured = capsys.readouterr()
    path = tmp_path / "out" / "cell.pt"
    assert captured.out.splitlines()[-1] == str(path)
    experiment = read_cell(path)["experiment"]
    assert {name: experiment[name] for name in ("dof", "addressing", "flips", "scope", "parts", "outside", "seed")} == {
        "dof": 320, "addressing": "word", "flips": False, "scope": "stage", "parts": ["stem", "shortcut"],
        "outside": "hnn", "seed": 0,
    }
    assert fit.main([*options, "--json"]) == 0
    captured = capsys.readouterr()
    assert "epoch" not in captured.err
    assert json.loads(captured.out)["history"][0]["epoch"] == 1


def test_several_seeds_are_refused(tiny_study):
    with pytest.raises(Refused, match="must be one seed"):
        fit.main([*tiny_study, "--seeds", "0,1"])
