"""The figures of scaling: which networks each compares, and what its command says of them."""

import json

import pytest

from spec.refusal import Refused
from train.loop import checkpoint
from train.loop.trainer import accuracy
from train.nets.config import Method
from train.studies import scaling

SMALL = ["--widths", "4,8,16", "--iterations", "0,2,3"]
TINY = ["--recipe", "digits", "--shrink", "1", "--epochs", "2", "--images", "64", *SMALL, "--seeds", "3"]


def changes(*options):
    return scaling.changes_of(scaling.parser().parse_args([*options, *SMALL]))


def test_depth_changes_the_stages_that_fold():
    found = changes("depth", "--counts", "2,5")
    assert [(c["method"], c["iterations"]) for c in found.values()] == [
        (method, counts) for method in Method for counts in ((0, 2, 2), (0, 5, 5))
    ]


def test_widths_stay_in_proportion():
    found = changes("width", "--base-widths", "4,6")
    assert {c["widths"] for c in found.values()} == {(4, 8, 16), (6, 12, 24)}
    assert len(found) == 8


def test_iterations_are_added_to_one_stage_at_a_time():
    found = changes("iterations", "--extra", "0,4")
    assert list(found)[:3] == ["hfn-ubn-4.8.16-0.2.3", "hfn-ubn-4.8.16-0.6.3", "hfn-ubn-4.8.16-0.2.7"]
    assert [c["norm"] for c in found.values()] == ["ubn"] * 3 + ["sbn"] * 3 + ["nabn"] * 3


def test_what_figures_have_in_common_has_one_name():
    """So it is run once."""
    convergence, depth = changes("convergence"), changes("depth", "--counts", "2")
    assert set(convergence).isdisjoint(depth)  # 0,2,3 beside 0,2,2
    assert set(convergence) <= set(changes("width", "--base-widths", "4"))
    assert "hfn-sbn-4.8.16-0.2.3" in set(changes("stretch")) & set(changes("iterations"))


def test_curves_are_those_of_the_runs(tmp_path, capsys):
    assert scaling.main(["convergence", *TINY, "--out", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "convergence.json").read_text()) == result
    assert [row["method"] for row in result["rows"]] == list(Method)
    for row in result["rows"]:
        folder = tmp_path / "cells" / f"{row['method']}-ubn-4.8.16-0.2.3-3"
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert row["curves"] == [[record["held_out_accuracy"] for record in log]]
        assert row["losses"] == [[record["loss"] for record in log]]
        assert row["accuracies"] == [row["curves"][0][-1]]
        assert row["seeds"] == [3]
    assert len({row["bytes"] for row in result["rows"]}) == 4


def test_stretched_networks_are_judged_on_the_first_images(tmp_path, digits):
    options = ["stretch", *TINY, "--by=-2,0", "--judged", "50", "--out", str(tmp_path)]
    assert scaling.main(options) == 0
    rows = json.loads((tmp_path / "stretch.json").read_text())["rows"]
    assert [(row["method"], row["norm"]) for row in rows] == [
        (method, norm) for method in ("folded", "hfn") for norm in ("sbn", "nabn")
    ]
    points = rows[0]["stretched"]
    assert [(p["block"], p["trained"], p["iterations"]) for p in points] == [
        ("stage2.fold", 2, 0), ("stage2.fold", 2, 2), ("stage3.fold", 3, 1), ("stage3.fold", 3, 3),
    ]
    model = checkpoint.restore(checkpoint.load(tmp_path / "cells" / "folded-sbn-4.8.16-0.2.3-3" / "checkpoint.pt"))
    want = round(accuracy(model.eval(), digits.test_images[:50], digits.test_labels[:50]), 6)
    assert points[1]["reused"] == points[3]["reused"] == [want]


@pytest.mark.parametrize(("options", "message"), [
    (["convergence", "--network", "resnet18"], "give --network small"),
    (["iterations", "--iterations", "0,1,1"], "and --iterations with a 2 or more"),
    (["depth", "--counts", "1"], "Option --counts must be numbers with commas, 2 to 255 each"),
    (["depth", "--counts", ""], "Give at least one of --counts"),
    (["width", "--seeds", ""], "at least one of --seeds"),
])
def test_bad_options_are_refused(tmp_path, options, message):
    with pytest.raises(Refused, match=message):
        scaling.main([*options, "--out", str(tmp_path)])
