"""The study of budgets: what it trains, what it says each costs, which are on the front."""

import json
from xml.etree import ElementTree

import pytest

from foldenite.budget.__main__ import main
from foldenite.budget.variants import costs, front, variants
from gen.compile import compile_model
from gen.cycles import predict
from spec.config import config_for
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network
from train.sizes import chip_bytes

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
    drawing = ElementTree.parse(tmp_path / "budget.svg").getroot()
    tips = [title.text for title in drawing.iter("{http://www.w3.org/2000/svg}title")]
    assert len(tips) == 2 * len(rows)  # once against each cost


def test_costs_are_those_of_the_chip_and_of_the_cycle_model():
    network = residual_network("t", image=(8, 8, 1), classes=10, widths=(8, 16), iterations=(0, 2), seed=1)
    program = compile_model(synthetic_model(network, 9), config_for(256))
    assert costs(network) == {"bytes": chip_bytes(network), "cycles": predict(program).total}


def test_modes_cost_what_they_are_said_to():
    """A mask that keeps one of four takes half the bytes of its weights and about half the cycles."""
    found = {}
    for variant in variants([32], [2]):
        found[variant.mode] = costs(residual_network(
            "t", image=(14, 14, 1), classes=10, widths=variant.changes["widths"], iterations=(0, 2, 2),
            mode=variant.mode,
        ))
    assert found[Mode.ANY] == found[Mode.TWO_OF_FOUR]
    assert found[Mode.AT_MOST_ONE]["bytes"] == found[Mode.ANY]["bytes"]
    assert found[Mode.AT_MOST_ONE]["cycles"] == found[Mode.ONE_OF_FOUR]["cycles"] < 0.6 * found[Mode.ANY]["cycles"]
    assert found[Mode.ONE_OF_FOUR]["bytes"] < 0.6 * found[Mode.ANY]["bytes"]


def test_the_front_is_what_nothing_as_cheap_beats():
    rows = [{"accuracy": a, "bytes": b} for a, b in ((0.5, 10), (0.6, 10), (0.6, 20), (0.55, 15), (0.7, 30), (0.4, 40))]
    assert front(rows, "bytes") == [{"accuracy": 0.6, "bytes": 10}, {"accuracy": 0.7, "bytes": 30}]


@pytest.mark.parametrize(("options", "message"), [
    (["--mode", "any"], "--mode is what this study varies"), (["--widths", "4,8"], "--base-widths"),
    (["--base-widths", ""], "at least one of --base-widths"), (["--base-widths", "3"], "4 to 256 each"),
    (["--seed", "1"], "give --seeds"),
])
def test_bad_options_are_refused(tmp_path, options, message):
    with pytest.raises(Refused, match=message):
        main([*TINY, *options, "--out", str(tmp_path)])
