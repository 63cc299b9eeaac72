"""Cells: each in a process of its own, finished ones kept, and what a result says."""

import argparse
import json

import pytest

from spec.refusal import Refused
from train.loop import checkpoint
from train.loop.settings import add_settings_options, settings_from
from train.studies.cells import RESULT, Cell, run_cell, run_cells

NOWHERE = "nowhere"  # The digits come with a package.


def cell(name, *options, offsets=()):
    parser = argparse.ArgumentParser()
    add_settings_options(parser)
    tiny = ["--widths", "4,8", "--iterations", "0,2", "--epochs", "1"]
    return Cell(name, settings_from(parser.parse_args([*tiny, *options])), 128, offsets)


def test_a_result_says_what_was_trained_and_how_well(tmp_path):
    found = run_cell(cell("a", "--norm", "sbn", offsets=(-3, 0, 1)), NOWHERE, tmp_path)
    assert json.loads((tmp_path / "cells" / "a" / RESULT).read_text()) == found
    state = checkpoint.load(tmp_path / "cells" / "a" / "checkpoint.pt")
    assert found["accuracy"] == found["stretched"]["0"] == state["history"][-1]["held_out_accuracy"]
    assert found["dataset_sha256"] == state["dataset_sha256"]
    assert set(found["stretched"]) == {"-3", "0", "1"}
    assert found["density"] == pytest.approx(0.3, abs=0.005)
    assert isinstance(found["cpu_seconds"], float)
    assert "epoch 1 of 1" in (tmp_path / "cells" / "a" / "output.txt").read_text()


def test_learned_weights_have_no_density(tmp_path):
    assert run_cell(cell("dense", "--method", "dense"), NOWHERE, tmp_path)["density"] is None


def test_finished_cells_are_not_repeated(tmp_path, capsys):
    cells = [cell("a"), cell("b", "--seed", "1")]
    first = run_cell(cells[0], NOWHERE, tmp_path)
    stamp = (tmp_path / "cells" / "a" / "checkpoint.pt").stat().st_mtime_ns
    both = run_cells(cells, NOWHERE, tmp_path, 1)
    shown = capsys.readouterr().err
    assert "b: " in shown
    assert "; 0 cells left" in shown
    assert list(both) == ["a", "b"]
    assert both["a"] == first
    assert (tmp_path / "cells" / "a" / "checkpoint.pt").stat().st_mtime_ns == stamp
    assert both["b"]["settings"]["seed"] == 1
    with pytest.raises(Refused, match=r"Cell .*cell.json was trained with other settings; choose another --out"):
        run_cells([cell("a", "--density", "0.4")], NOWHERE, tmp_path, 1)
    (tmp_path / "cells" / "a" / RESULT).write_text("[]")
    with pytest.raises(Refused, match="is damaged; delete it"):
        run_cells(cells, NOWHERE, tmp_path, 1)


def test_a_refusal_in_a_cell_reaches_the_caller(tmp_path):
    with pytest.raises(Refused, match="Setting --batch must be from 1 to 128"):
        run_cells([cell("a", "--batch", "4096")], NOWHERE, tmp_path, 1)
