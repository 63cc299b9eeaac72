"""The study of budgets: what it trains, and what it says of it."""

import json

import pytest

from foldenite.budget.__main__ import main
from spec.refusal import Refused
from spec.supermask import Mode

TINY = ["--recipe", "digits", "--epochs", "1", "--warmup", "0", "--images", "64"]


def test_every_mode_width_and_fold_count_is_trained_and_wide_ones_once(tmp_path, capsys):
    command = [*TINY, "--base-widths", "4,8", "--fold-counts", "2", "--repeat-up-to", "4", "--seeds", "3,5"]
    assert main([*command, "--out", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "budget.json").read_text()) == result
    rows = result["rows"]
    assert [(row["mode"], row["width"], row["seeds"]) for row in rows] == [
        (mode, width, seeds) for mode in Mode for width, seeds in ((4, [3, 5]), (8, [3]))
    ]
    for row in rows:
        for seed, accuracy in zip(row["seeds"], row["accuracies"], strict=True):
            run = tmp_path / "cells" / f"{row['mode']}-w{row['width']}-f2-{seed}"
            cell = json.loads((run / "cell.json").read_text())
            model = cell["key"]["settings"]["model"]
            assert (model["mode"], model["widths"], model["iterations"], cell["accuracy"]) == (
                row["mode"], [row["width"], 2 * row["width"], 4 * row["width"]], [0, 2, 2], accuracy
            )
        assert row["accuracy"] == pytest.approx(sum(row["accuracies"]) / len(row["accuracies"]), abs=1e-6)
    assert len({row["bytes"] for row in rows}) > 2
    assert (tmp_path / "budget.svg").read_text().count("<title>") == 2 * len(rows)  # once against each cost


@pytest.mark.parametrize(("options", "message"), [
    (["--mode", "any"], "--mode is what this study varies"), (["--widths", "4,8"], "--base-widths"),
    (["--base-widths", ""], "at least one of --base-widths"), (["--base-widths", "3"], "4 to 256 each"),
    (["--seed", "1"], "give --seeds"),
])
def test_bad_options_are_refused(tmp_path, options, message):
    with pytest.raises(Refused, match=message):
        main([*TINY, *options, "--out", str(tmp_path)])
