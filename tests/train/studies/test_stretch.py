"""Stretching as a study: every recurrent block, and what its command says."""

import json

import pytest

from spec.refusal import Refused
from train import fit
from train.loop import checkpoint
from train.studies.stretch import main, sweep

FOLD = "stage2.fold"


def test_sweep_covers_every_recurrent_block_and_no_negative_count(trained_for, digits):
    rows = sweep(trained_for(2), digits, (-3, -2, 1), calibration=64)
    assert [(row["block"], row["trained"], row["iterations"]) for row in rows] == [(FOLD, 2, 0), (FOLD, 2, 3)]
    assert all(0 <= row[key] <= 1 for row in rows for key in ("reused", "recalibrated"))


def test_command(tiny, tmp_path, capsys):
    fit.main([*tiny, "--epochs", "1", "--out", str(tmp_path)])
    options = ["--checkpoint", str(tmp_path / "checkpoint.pt"), "--out", str(tmp_path / "stretch.json"), "--by=0,1"]
    capsys.readouterr()
    assert main([*options, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    held_out = checkpoint.load(tmp_path / "checkpoint.pt")["history"][-1]["held_out_accuracy"]
    assert [row["iterations"] for row in rows] == [2, 3]
    assert rows[0]["reused"] == held_out
    assert main(options) == 0
    assert capsys.readouterr().out.rstrip().endswith("stretch.json")


@pytest.mark.parametrize(("options", "message"), [
    (["--calibration", "1"], "Option --calibration must be from 2 to"),
    (["--calibration", "1348"], "Option --calibration must be from 2 to 1347 images, not 1348"),
])
def test_bad_options_are_refused(tiny, tmp_path, options, message):
    fit.main([*tiny, "--epochs", "1", "--out", str(tmp_path)])
    with pytest.raises(Refused, match=message):
        main(["--checkpoint", str(tmp_path / "checkpoint.pt"), *options])


def test_nothing_to_stretch_is_refused(tiny, tmp_path):
    fit.main([*tiny, "--epochs", "1", "--method", "hnn", "--out", str(tmp_path)])
    with pytest.raises(Refused, match="has no recurrent block to stretch; train a folded network"):
        main(["--checkpoint", str(tmp_path / "checkpoint.pt"), "--out", str(tmp_path / "s.json")])
