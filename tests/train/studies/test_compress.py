"""Pruning and rounding of a trained network by one command."""

import json

import pytest
import torch

from spec.refusal import Refused
from train.studies import compress
from train.studies.compress import pruned_ring, rounded
from train.studies.pruning import ring_dof


def test_every_loss_is_measured(tiny_study, tmp_path, capsys):
    assert compress.main([*tiny_study, "--dof", "320", "--prune-dof", "80", "--flops", "0.7", "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert list(rows) == [
        "trained", "pruned ring", "pruned filters", "ring of 8 bits", *(f"ring of {p} planes" for p in range(5, 0, -1))
    ]
    whole = rows["trained"]
    assert (whole["dof"], rows["pruned ring"]["dof"], rows["pruned filters"]["dof"]) == (320, 80, 320)
    assert rows["pruned ring"]["macs"] == whole["macs"]
    assert 0.5 * whole["macs"] < rows["pruned filters"]["macs"] <= 0.7 * whole["macs"]
    assert abs(rows["ring of 8 bits"]["accuracy"] - whole["accuracy"]) < 0.03


def test_rounds_take_equal_shares_and_leave_the_original(small_rpg):
    trained, left = small_rpg(), []
    start = trained.rings[0].free.detach().clone()
    sparse = pruned_ring(trained, 40, 3, lambda model: left.append(ring_dof(model.rings[0])))
    assert left == [160, 80, 40]
    assert ring_dof(sparse.rings[0]) == 40
    assert torch.equal(trained.rings[0].free, start)


def test_rounding_leaves_the_original(small_rpg):
    trained = small_rpg()
    start = trained.rings[0].free.detach().clone()
    assert len(rounded(trained, 1).rings[0].free.unique()) == 3
    assert torch.equal(trained.rings[0].free, start)


@pytest.mark.parametrize(("options", "words"), [
    (["--rounds", "0"], "--rounds must be from 1 to"),
    (["--network", "repeated"], "Filters of a repeated cannot be pruned"),
])
def test_impossible_options_are_refused(tiny_study, options, words):
    with pytest.raises(Refused, match=words):
        compress.main([*tiny_study, *options])
