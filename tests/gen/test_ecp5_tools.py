"""The selector in cells of a part is the selector: proved for all candidates by Yosys' solver."""

import subprocess

import pytest

from flows.tools.yosys import command
from gen.ecp5_tools import ecp5_select, ecp5_synthesis
from rtl.lane.selector import SELECT_MODULE, SELECT_VERILOG


def _equal(tmp_path, mapped):
    """What Yosys says of a miter of both."""
    (tmp_path / "plain.v").write_text(SELECT_VERILOG)
    (tmp_path / "mapped.v").write_text(mapped.replace(f"module {SELECT_MODULE} ", "module mapped "))
    return subprocess.run(command((
        "read_verilog mapped.v", "read_verilog -overwrite +/ecp5/cells_sim.v", "hierarchy -top mapped",
        "proc", "flatten", "read_verilog plain.v", f"miter -equiv -flatten {SELECT_MODULE} mapped miter",
        "hierarchy -top miter", "proc", "flatten", "opt -full",
        "sat -verify -prove trigger 0 miter",
    )), cwd=tmp_path, capture_output=True, text=True, check=False)


def test_the_ecp5_selector_equals_the_plain_one(tmp_path):
    result = _equal(tmp_path, ecp5_select())
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert "SAT proof finished - no model found: SUCCESS!" in result.stdout


@pytest.mark.parametrize(("right", "wrong"), [("select[1]", "select[0]"), (".D(negate)", ".D(1'b0)")])
def test_another_one_does_not(tmp_path, right, wrong):
    assert right in ecp5_select()
    assert _equal(tmp_path, ecp5_select().replace(right, wrong)).returncode != 0


def test_another_name_is_all_that_differs():
    assert ecp5_select("other") == ecp5_select().replace(SELECT_MODULE, "other") != ecp5_select()


def test_synthesis_is_of_the_top_and_of_slow_wires():
    assert ecp5_synthesis("some").endswith("; synth_ecp5 -top some")
    assert "&if,-W,1000," in ecp5_synthesis("some")


def test_two_luts_and_a_multiplexer_a_bit_and_a_lut_for_the_sign():
    a_bit, sign = ecp5_select().split("end endgenerate")
    assert (a_bit.count("LUT4 #("), a_bit.count("PFUMX ")) == (2, 1)
    assert (sign.count("LUT4 #("), sign.count("PFUMX ")) == (1, 0)
