"""The table of equilibria by one command."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from spec.refusal import Refused
from train.studies import equilibrium
from train.studies.equilibrium import inference_ms


@pytest.fixture
def tiny(tmp_path):
    return ["--dataset", "digits", "--shrink", "1", "--images", "100", "--epochs", "1", "--batch", "50", "--scales",
            "4,8", "--judged", "60", "--runs", "2,3", "--device", "cpu", "--out", str(tmp_path / "out"), "--json"]


def test_every_row_and_what_is_kept(tiny, tmp_path, capsys):
    assert equilibrium.main([*tiny, "--seeds", "3,4"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == result
    rows = {(row["what"], row["seed"]): row for row in result["rows"]}
    assert list(rows) == [(what, seed) for seed in (3, 4) for what in ("equilibrium", "ring 2x", "ring 3x")]
    assert len({row["dof"] for row in rows.values()}) == 1
    assert [rows[f"ring {n}x", 3]["evaluations"] for n in (2, 3)] == [2, 3]
    solved = rows["equilibrium", 3]
    assert solved["training"]["solutions"] >= 4  # Forward and backward of two steps.
    assert solved["inference"]["worst_residual"] > 0
    assert solved["evaluations"] > 1
    kept = tmp_path / "out" / "rows" / "seed-4.json"
    seen = json.loads(kept.read_text())
    seen["rows"][1]["accuracy"] = 0.125
    kept.write_text(json.dumps(seen))
    assert equilibrium.main([*tiny, "--seeds", "3,4"]) == 0  # Not trained again.
    assert json.loads(capsys.readouterr().out)["rows"][4]["accuracy"] == 0.125
    assert equilibrium.main([*tiny, "--seeds", "4", "--tolerance", "0.02"]) == 0  # With another solver it is.
    assert json.loads(kept.read_text())["rows"][1]["accuracy"] != 0.125


def test_a_training_whose_equilibria_are_not_found_ends(tiny):
    with pytest.raises(Refused, match=r"not found in 3 of 3 .* residual .* after 1 evaluations.*raise --limit"):
        equilibrium.main([*tiny, "--seeds", "0", "--limit", "1", "--failures", "2"])


def test_timings_are_those_of_the_models():
    class Slow(nn.Module):
        def __init__(self, work):
            super().__init__()
            self.work, self.calls = work, 0

        def forward(self, images):
            self.calls += 1
            return images.float()

    models = [Slow(1), Slow(2)]
    found = inference_ms(models, np.zeros((150, 2, 2, 1), np.uint8), torch.device("cpu"))
    assert len(found) == 2
    assert min(found) > 0
    assert models[0].calls == models[1].calls > 3


@pytest.mark.parametrize(("options", "message"), [
    (["--runs", ""], "at least one of --runs"), (["--seeds", ""], "at least one of --seeds"),
    (["--scales", "8"], "at least two resolutions"), (["--scales", "4,4,4,4,4"], "multiples of 16 pixels, not 8x8"),
    (["--tolerance", "0"], "Option --tolerance must be more than 0"), (["--seed", "1"], "give --seeds"),
    (["--judged", "0"], "Option --judged must be from 1"),
])
def test_bad_options_are_refused(tiny, options, message):
    with pytest.raises(Refused, match=message):
        equilibrium.main([*tiny, *options])
