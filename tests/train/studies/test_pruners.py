"""Pruning of a ring and of free weights by one command."""

import json

import pytest

from spec.refusal import Refused
from train.studies import pruners


def test_every_row_and_what_is_kept(tiny_study, tmp_path, capsys):
    options = [*tiny_study, "--epochs", "2", "--dof", "320", "--prune-dof", "80", "--flops", "0.7", "--rounds", "2",
               "--judged", "50", "--seeds", "3", "--json"]
    assert pruners.main(options) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert list(rows) == ["IMP", "pruned ring", "free, filters by knapsack", "ring, filters by l1"]
    imp, ring, knapsack, filters = rows.values()
    assert (imp["dof"], ring["dof"], filters["dof"]) == (80, 80, 320)
    assert imp["dof_before"] == knapsack["dof_before"] == knapsack["dof"] > 320 == ring["dof_before"]
    assert imp["macs"] == ring["macs"]
    for row in (knapsack, filters):
        assert 0.5 * imp["macs"] < row["macs"] <= 0.7 * imp["macs"]
    assert ring["accuracy_before"] == filters["accuracy_before"]
    assert imp["accuracy_before"] == knapsack["accuracy_before"]
    kept = tmp_path / "out" / "rows" / "seed-3.json"
    seen = json.loads(kept.read_text())
    seen["rows"][0]["accuracy"] = 0.125
    kept.write_text(json.dumps(seen))
    assert pruners.main(options) == 0  # Not trained again.
    assert json.loads(capsys.readouterr().out)["rows"][0]["accuracy"] == 0.125
    assert pruners.main([*options, "--rounds", "1"]) == 0  # In other rounds it is.
    assert json.loads(kept.read_text())["rows"][0]["accuracy"] != 0.125


@pytest.mark.parametrize(("options", "words"), [
    (["--rewind", "1"], r"--rewind must be below the epochs \(1\), not 1"),
    (["--epochs", "3", "--prune-dof", "40000"], r"--prune-dof must be at most the values of the ring \(36864\)"),
    (["--network", "repeated"], "Filters of a repeated cannot be pruned"),
    (["--seeds", ""], "at least one of --seeds"),
])
def test_impossible_options_are_refused(tiny_study, options, words):
    with pytest.raises(Refused, match=words):
        pruners.main([*tiny_study, *options])
