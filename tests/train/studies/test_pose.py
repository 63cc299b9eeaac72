"""The table of pose networks by one command."""

import json

import pytest

from spec.refusal import Refused
from train.studies import pose
from train.studies.pose import orders

TINY = ["--side", "16", "--width", "4", "--depth", "1", "--people", "6", "--held-out", "4", "--epochs", "1",
        "--device", "cpu"]


def test_every_row_and_what_is_kept(tmp_path, capsys):
    options = [*TINY, "--stacks", "1,2", "--norms", "own,shared", "--seeds", "3,4", "--out", str(tmp_path), "--json"]
    assert pose.main(options) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "result.json").read_text()) == result
    rows = {(row["stacks"], row["sharing"], row["norms"]): row for row in result["rows"]}
    assert list(rows) == [(1, "not shared", "own"), *(
        (2, sharing, norms) for sharing in ("shared", "ring", "not shared") for norms in ("own", "shared")
    )]
    assert rows[2, "shared", "own"]["dof"] == rows[2, "ring", "own"]["dof"] < rows[2, "not shared", "own"]["dof"]
    assert rows[2, "ring", "own"]["parameters"] > rows[2, "ring", "shared"]["parameters"]
    for row in rows.values():
        assert row["seeds"] == [3, 4]
        assert row["gap"] == pytest.approx([a - b for a, b in zip(row["train"], row["held_out"], strict=True)])
    kept = tmp_path / "cells" / "2x-ring-own-4" / "cell.json"
    cell = json.loads(kept.read_text())
    assert rows[2, "ring", "own"]["held_out"][1] == cell["held_out"]
    kept.write_text(json.dumps(cell | {"held_out": 0.125}))
    assert pose.main(options) == 0  # Not trained again.
    again = json.loads(capsys.readouterr().out)
    assert again["rows"][3]["held_out"][1] == 0.125
    assert pose.main([*options, "--lr", "0.001"]) == 0  # Of other settings it is.
    assert json.loads(kept.read_text())["held_out"] != 0.125


def row(stacks, sharing, held_out, gap):
    return {"stacks": stacks, "sharing": sharing, "norms": "own", "held_out": held_out, "gap": gap}


def test_orders_of_the_paper_s_own_table():
    rows = [
        row(1, "not shared", [0.847], [0.01]),
        row(2, "shared", [0.861], [0.0113]), row(2, "ring", [0.865], [0.0064]), row(2, "not shared", [0.871], [0.0115]),
        row(4, "shared", [0.865], [0.017]), row(4, "ring", [0.873], [0.0115]), row(4, "not shared", [0.88], [0.0198]),
    ]
    found = {order["claim"]: order for order in orders(rows)}
    assert len(found) == 15
    assert all(order["holds"] for order in found.values())
    rows[5]["held_out"] = [0.80, 0.90]
    failed = [claim for claim, order in {o["claim"]: o for o in orders(rows)}.items() if not order["holds"]]
    assert failed == ["4x ring above 2x, own norms", "4x ring above shared, own norms"]


@pytest.mark.parametrize(("options", "message"), [
    (["--seeds", ""], "at least one of --seeds"), (["--norms", "none"], "Option --norms must be own, shared or both"),
    (["--side", "60"], "side in multiples of 16"), (["--mpii", "nowhere"], "do not exist"),
    (["--width", "5"], "multiples of 4"), (["--epochs", "0"], "Option --epochs must be from 1"),
])
def test_bad_options_are_refused(options, message, tmp_path):
    with pytest.raises(Refused, match=message):
        pose.main(["--out", str(tmp_path), *options])
