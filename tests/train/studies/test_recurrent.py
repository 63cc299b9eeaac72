"""The table of repeated sub-networks by one command."""

import json

import torch

from train.loop import checkpoint
from train.loop.settings import Settings
from train.studies import recurrent
from train.studies.variants import settings_of


def test_one_ring_is_not_a_ring_for_each_block(digits):
    arguments = recurrent.parser().parse_args(["--dataset", "digits"])
    one, many = (
        {name: weight for ring in model.rings for name, weight in ring.draw().items()}
        for model in (settings_of(arguments, recurrent.VARIANTS[row], 0).untrained(digits)
                      for row in ("ring", "ring per block"))
    )
    assert one.keys() == many.keys()
    assert all(not torch.equal(one[name].abs().sort().values, many[name].abs().sort().values) for name in one)


def test_every_cell_is_where_it_belongs(tiny_study, tmp_path, capsys):
    assert recurrent.main([*tiny_study, "--width", "4", "--runs", "1,2", "--blocks", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["accuracies"]) == list(recurrent.VARIANTS)
    assert all(list(row) == ["1", "2"] for row in result["accuracies"].values())
    cells = list((tmp_path / "out" / "cells").iterdir())
    assert len(cells) == 10
    for path in cells:
        state = checkpoint.load(path / "checkpoint.pt")
        config = Settings.from_json(state["settings"]).model
        kind = (config.sharing, config.own_norms)
        name = next(n for n, settings in recurrent.VARIANTS.items()
                    if (settings["sharing"], settings.get("own_norms", True)) == kind)
        accuracy = state["history"][-1]["held_out_accuracy"]
        assert result["accuracies"][name][str(config.repeats)] == [accuracy]
