"""The table of depth and normals by one command."""

import json

import pytest

from spec.refusal import Refused
from train.studies import depth
from train.studies.depth import ROWS, orders

TINY = ["--side", "8", "--width", "4", "--depth", "1", "--views", "6", "--held-out", "4", "--epochs", "1",
        "--device", "cpu"]


def test_every_row_and_what_is_kept(tmp_path, capsys):
    options = [*TINY, "--seeds", "3,4", "--out", str(tmp_path), "--json"]
    assert depth.main(options) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "result.json").read_text()) == result
    rows = {row["row"]: row for row in result["rows"]}
    assert list(rows) == list(ROWS)
    assert len({row["dof"] for row in rows.values()}) == 1
    assert len({tuple(row["depth_rmse_m"]) for row in rows.values()}) == 6  # All are different networks.
    assert rows["ring, shared norms"]["parameters"] == rows["reuse, shared norms"]["parameters"]
    assert rows["ring, shared norms"]["parameters"] < rows["reuse, new norms"]["parameters"]
    assert all(row["seeds"] == [3, 4] for row in rows.values())
    kept = tmp_path / "cells" / "reuse-new-norms-4" / "cell.json"
    cell = json.loads(kept.read_text())
    assert rows["reuse, new norms"]["normal_rmse"][1] == cell["normal_rmse"]
    kept.write_text(json.dumps(cell | {"normal_rmse": 0.125}))
    assert depth.main(options) == 0  # Not trained again.
    assert json.loads(capsys.readouterr().out)["rows"][2]["normal_rmse"][1] == 0.125
    assert depth.main([*options, "--lr", "0.001"]) == 0  # Of other settings it is.
    assert json.loads(kept.read_text())["normal_rmse"] != 0.125


def test_orders_of_the_paper_s_own_table():
    figures = [(0.255, 0.410), (0.247, 0.403), (0.240, 0.394), (0.228, 0.391), (0.228, 0.391), (0.247, 0.403)]
    rows = [{"row": name, "depth_rmse_m": [far], "normal_rmse": [turned]}
            for name, (far, turned) in zip(ROWS, figures, strict=True)]
    found = orders(rows)
    assert [order["holds"] for order in found] == [True] * 5
    assert found[0]["differences"] == [0.008, 0.007]
    rows[2]["normal_rmse"] = [0.41]
    assert [order["holds"] for order in orders(rows)] == [True, False, True, True, True]


@pytest.mark.parametrize(("options", "message"), [
    (["--seeds", ""], "at least one of --seeds"), (["--side", "30"], "side in multiples of 8"),
    (["--stanford", "nowhere"], "must have area_5"), (["--epochs", "0"], "Option --epochs must be from 1"),
])
def test_bad_options_are_refused(options, message, tmp_path):
    with pytest.raises(Refused, match=message):
        depth.main(["--out", str(tmp_path), *options])
