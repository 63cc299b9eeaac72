"""All baselines by one command, at the same degrees of freedom."""

import json

import pytest
import torch

from spec.refusal import Refused
from train.studies import baselines


def test_all_are_trained_at_nearly_the_same_degrees_of_freedom(tiny_study, capsys):
    command = [*tiny_study, "--dof", "2600", "--validation", "0.25", "--json"]
    assert baselines.main(command) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert tuple(rows) == baselines.NAMES
    assert all(round(50 * row["accuracy"], 6) % 1 == 0 for row in rows.values()), "Not judged by 50 images set aside"
    shared = {name: row["dof"] for name, row in rows.items() if name != "vanilla"}
    assert all(2200 < dof <= 2600 for dof in shared.values()), shared
    assert rows["vanilla"]["dof"] > 2600
    assert {name for name, row in rows.items() if row["index_bits"]} == {"lego", "deep-compression"}


def test_codebooks_of_enough_values_are_the_trained_network(small_rpg, images):
    vanilla, model = small_rpg(dof=0).eval(), small_rpg(dof=320).eval()
    everything = sum(slot.weight_count for slot in model.rings[0].slots)
    with torch.no_grad():
        same = baselines.compressed(vanilla, model, everything)(images)
        coarse = baselines.compressed(vanilla, small_rpg(dof=320).eval(), everything // 100)(images)
        wanted = vanilla(images)
    assert (same - wanted).abs().max() < 0.05 * (coarse - wanted).abs().max()


@pytest.mark.parametrize(("options", "words"), [
    (["--dof", "0"], "give --dof, from 1 on"),
    (["--dof", "20"], "Lego filters of this network need"),
    (["--network", "repeated"], "not of a repeated"),
    (["--seeds", ""], "at least one of --seeds"),
])
def test_impossible_options_are_refused(tiny_study, options, words):
    with pytest.raises(Refused, match=words):
        baselines.main([*tiny_study, *options])
