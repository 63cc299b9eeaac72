"""NNgen beside ours, from records and logs written by hand; with NNgen, its design is simulated."""

import argparse
import importlib.util
import json
import shutil

import pytest

from flows.bench import nngen
from flows.synth.__main__ import parser
from flows.tools.process import ToolFailed
from gen.options import config_from
from spec.refusal import Refused
from spec.supermask import Mode

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="Icarus Verilog is not installed (Debian: apt-get install iverilog)"
)
USED = {"lut": 4000, "ff": 1, "bram": 2, "dsp": 3}
RECORD = {
    "config": config_from(parser().parse_args(list(nngen.lean_options()))).to_json(),
    "synthesis": {"resources": {kind: {"used": used} for kind, used in USED.items()}},
}


def test_ours_is_one_layer_of_the_lean_build():
    rows = [nngen.our_row(RECORD, mode) for mode in (Mode.ANY, Mode.ONE_OF_FOUR)]
    macs = 64 * 16 * 16 * 9
    for row, passes in zip(rows, (2, 1), strict=True):
        ideal = macs * passes / (4 * 16)
        assert ideal < row["cycles"] < 1.01 * ideal + 20
        assert row["mac_per_cycle_per_lut"] == macs / row["cycles"] / 4000
    assert RECORD["config"]["protect"] is False


@pytest.mark.parametrize(("cycles", "used", "note"), [
    (17_633, USED, "simulated"),
    (17_633, None, "synthesis did not end in 500 s"),
    (None, USED, "simulation did not end in 500 s"),
    (None, None, "simulation and synthesis did not end in 500 s"),
])
def test_what_did_not_end_is_said_and_its_cells_are_empty(cycles, used, note):
    row = nngen.their_row(cycles, used, 2, 500.0, 0)
    assert (row["design"], row["note"]) == ("NNgen, 36 multipliers", note)
    assert (row["lut"] is None, row["mac_per_cycle"] is None) == (used is None, cycles is None)
    assert (row["mac_per_cycle_per_lut"] is None) == (note != "simulated")
    (table,) = nngen.tables({"rows": [row, nngen.our_row(RECORD, Mode.ANY)]})
    assert table.row_count == 2


def test_a_wrong_value_fails_and_a_missing_one_is_an_error():
    log = "cycles       17633\nvalue           6\nvalue           0\n"
    assert nngen.simulated(log, [6, 0]) == (17_633, 0)
    assert nngen.simulated(log, [6, 1]) == (17_633, 1)
    assert nngen.simulated(log.replace(" 6", " x"), [6, 0]) == (17_633, 1)
    with pytest.raises(RuntimeError, match="printed 2 of 3 values"):
        nngen.simulated(log, [6, 0, 0])
    assert nngen.failed({"rows": [nngen.their_row(1, USED, 1, 1.0, 1)]})
    assert not nngen.failed({"rows": [nngen.their_row(1, USED, 1, 1.0, 0)]})


def test_their_luts_are_counted_as_ours():
    cells = {"a": "LUT4", "b": "CCU2C", "c": "TRELLIS_FF", "d": "DP16KD", "e": "MULT18X18D", "f": "TRELLIS_DPR16X4"}
    netlist = {"modules": {"convolution": {"cells": {name: {"type": kind} for name, kind in cells.items()}}}}
    assert nngen.resources(netlist) == {"lut": 9, "ff": 1, "bram": 1, "dsp": 1}


@pytest.mark.parametrize(("program", "message"), [
    ("iverilog", "needs Icarus Verilog, which is not on PATH"),
    (None, r"needs NNgen, which is not installed; run pip install 'foldenite\[nngen\]'$"),
])
def test_what_is_missing_is_said(program, message, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: program)  # whatever it finds is not None
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Refused, match=message):
        nngen.check(argparse.Namespace())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nngen") is None, reason="NNgen is not installed: foldenite[nngen]")
@needs_icarus
def test_their_design_computes_the_convolution(tmp_path):
    with nngen.progress_bars() as progress:
        nngen._generate(tmp_path, 1, progress)
        cycles, mismatches = nngen._simulate(tmp_path, 3600.0, progress)
    assert cycles > 64 * 16 * 16
    assert mismatches == 0
    expected = json.loads((tmp_path / nngen.EXPECTED).read_text())
    assert nngen.simulated((tmp_path / "vvp.log").read_text(), [*expected[:-1], expected[-1] + 1]) == (cycles, 1)


@needs_icarus
def test_a_design_that_is_no_verilog_is_an_error(tmp_path):
    (tmp_path / nngen.TESTBENCH).write_text("module testbench; wire")
    with nngen.progress_bars() as progress, pytest.raises(ToolFailed, match="iverilog failed"):
        nngen._simulate(tmp_path, 10.0, progress)
