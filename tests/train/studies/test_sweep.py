"""The fitted line, and the command of the log-linear law."""

import json

import pytest

from spec.refusal import Refused
from train.studies import sweep
from train.studies.sweep import fit_line


def test_a_line_is_found_exactly():
    line = fit_line([10, 100, 1000], [0.2, 0.3, 0.4])
    assert line["slope"] == pytest.approx(0.1)
    assert line["intercept"] == pytest.approx(0.1)
    assert line["r2"] == pytest.approx(1)


def test_least_squares_and_explained_variance():
    line = fit_line([10, 10, 100, 100], [0.1, 0.3, 0.3, 0.5])
    assert (line["slope"], line["intercept"]) == (pytest.approx(0.2), pytest.approx(0.0))
    assert line["r2"] == pytest.approx(0.5)  # 0.04 of 0.08 remain


def test_a_flat_line():
    assert fit_line([10, 100], [0.3, 0.3])["r2"] == 1.0


def test_one_size_is_no_line():
    with pytest.raises(Refused, match="at least two rings of different size"):
        fit_line([10, 10], [0.1, 0.2])


@pytest.mark.parametrize("network", ["small", "vit", "repeated"])
def test_command(tiny_study, tmp_path, capsys, network):
    options = ["--dofs", "16,64,100000", "--seeds", "0,1", "--network", network, "--width", "8"]
    assert sweep.main([*tiny_study, *options]) == 0
    out = capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [dof for dof, _ in result["points"]] == [16, 16, 64, 64, 100000, 100000]
    want = fit_line(*zip(*result["points"][:4], strict=True))  # the large ring is above half of the weights
    assert result["line"] == want
    assert len(result["vanilla"]) == 2
    picture = tmp_path / "out" / "sweep.svg"
    assert picture.read_text().startswith("<svg")
    assert str(picture) in out
    assert len(list((tmp_path / "out" / "cells").iterdir())) == 8
