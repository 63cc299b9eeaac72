"""The four cells of Fig. 4b by one command."""

import json

from train.loop import checkpoint
from train.nets.addressing import Addressing
from train.studies import ablation


def test_four_cells_per_seed(tiny_study, tmp_path, capsys):
    assert ablation.main([*tiny_study, "--dof", "144", "--seeds", "0,1"]) == 0
    out = capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert {name: len(values) for name, values in result["accuracies"].items()} == dict.fromkeys(ablation.VARIANTS, 2)
    settings = {}
    for path in (tmp_path / "out" / "cells").iterdir():
        state = checkpoint.load(path / "checkpoint.pt")
        name, _, seed = path.name.rpartition("-")
        model = state["settings"]["model"]
        settings[name] = {key: model["rings"][key] for key in ("addressing", "flips")}
        assert (model["rings"]["dof"], model["net_seed"], state["settings"]["seed"]) == (144, int(seed), int(seed))
        accuracy = state["history"][-1]["held_out_accuracy"]
        assert result["accuracies"][name][int(seed)] == accuracy
    assert settings == ablation.VARIANTS == {
        name: {"addressing": addressing, "flips": flips} for name, addressing, flips in (
            ("permutation+flips", Addressing.ELEMENT, True), ("permutation", Addressing.ELEMENT, False),
            ("flips", Addressing.PLAIN, True), ("neither", Addressing.PLAIN, False),
        )
    }
    for name in ablation.VARIANTS:
        assert name in out
