"""Cells: finished ones are kept, interrupted ones go on, and what a result says."""

import json

import pytest
import torch

from console.command import CommandParser
from spec.refusal import Refused
from train.loop import checkpoint
from train.loop.settings import add_settings_options, settings_from
from train.loop.trainer import Trainer
from train.studies.cells import RESULT, Cell, run_cell, run_cells


def cell(name, *options, offsets=()):
    parser = CommandParser()
    add_settings_options(parser)
    tiny = ["--widths", "4,8", "--iterations", "0,2", "--epochs", "1"]
    return Cell(name, settings_from(parser.parse_args([*tiny, *options])), offsets)


@pytest.fixture(scope="module")
def few(digits):
    return digits.prepared(1, 128)


def test_a_result_says_what_was_trained_and_how_well(few, tmp_path):
    one = cell("a", "--norm", "sbn", offsets=(-3, 0, 1))
    found = run_cell(one, few, tmp_path)
    assert json.loads((tmp_path / "cells" / "a" / RESULT).read_text()) == found | {"key": one.facts(few)}
    state = checkpoint.load(tmp_path / "cells" / "a" / "checkpoint.pt")
    assert found["accuracy"] == found["stretched"]["0"] == state["history"][-1]["held_out_accuracy"]
    assert one.facts(few)["dataset_sha256"] == state["dataset_sha256"]
    assert set(found["stretched"]) == {"-3", "0", "1"}
    assert found["density"] == pytest.approx(0.3, abs=0.005)
    assert isinstance(found["cpu_seconds"], float)


@pytest.mark.parametrize("options", [["--method", "dense"], ["--method", "dense", "--dof", "320"]])
def test_learned_weights_have_no_density(few, tmp_path, options):
    assert run_cell(cell("dense", *options), few, tmp_path)["density"] is None


def test_finished_cells_are_not_repeated(few, tmp_path, capsys):
    cells = [cell("a"), cell("b", "--seed", "1")]
    first = run_cell(cells[0], few, tmp_path)
    path = tmp_path / "cells" / "a" / "checkpoint.pt"
    stamp = path.stat().st_mtime_ns
    capsys.readouterr()
    both = run_cells(cells, few, tmp_path)
    shown = capsys.readouterr().err
    assert "cell 2 of 2, b, epoch 1 of 1" in shown
    assert "cell 1 of 2" not in shown
    assert list(both) == ["a", "b"]
    assert both["a"] == first
    assert path.stat().st_mtime_ns == stamp
    again = run_cells([cell("a", "--density", "0.4")], few, tmp_path)["a"]
    assert again["density"] == pytest.approx(0.4, abs=0.005)
    (tmp_path / "cells" / "a" / RESULT).write_text("[]")
    assert run_cells(cells, few, tmp_path)["a"] | {"cpu_seconds": 0} == first | {"cpu_seconds": 0}


def test_several_at_a_time_give_the_same(few, tmp_path, capsys):
    cells = [cell("a"), cell("b", "--seed", "1")]
    alone = run_cells(cells, few, tmp_path / "alone")
    both = run_cells(cells, few, tmp_path / "both", jobs=2)
    assert "a: " in capsys.readouterr().err
    assert list(both) == ["a", "b"]
    for name in both:
        assert both[name] | {"cpu_seconds": 0} == alone[name] | {"cpu_seconds": 0}
        assert "epoch 1 of 1" in (tmp_path / "both" / "cells" / name / "output.txt").read_text()


@pytest.mark.parametrize("network", [[], ["--network", "vit", "--method", "dense", "--dof", "64", "--width", "8"]])
def test_an_interrupted_cell_ends_in_the_same_bits(few, tmp_path, monkeypatch, capsys, network):
    one = cell("a", *network, "--epochs", "2")
    whole = run_cell(one, few, tmp_path / "whole")
    original = Trainer._tell

    def interrupt(self, record, progress):
        original(self, record, progress)
        if record["epoch"] == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_tell", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_cell(one, few, tmp_path / "part")
    assert checkpoint.load(tmp_path / "part" / "cells" / "a" / "checkpoint.pt")["epoch"] == 1
    capsys.readouterr()
    assert run_cell(one, few, tmp_path / "part") | {"cpu_seconds": 0} == whole | {"cpu_seconds": 0}
    shown = capsys.readouterr().err
    assert "epoch 2 of 2" in shown
    assert "epoch 1 of 2" not in shown
    states = [checkpoint.load(tmp_path / place / "cells" / "a" / "checkpoint.pt") for place in ("whole", "part")]
    assert [record["epoch"] for record in states[1]["history"]] == [1, 2]
    assert all(torch.equal(value, states[1]["model"][name]) for name, value in states[0]["model"].items())


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_refusal_in_a_cell_reaches_the_caller(few, tmp_path, jobs):
    with pytest.raises(Refused, match="Setting --batch must be from 1 to 128"):
        run_cells([cell("a", "--batch", "4096")], few, tmp_path, jobs)
