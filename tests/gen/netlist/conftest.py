"""Netlists of a few lines, and the proof that a pass leaves them what they are."""

import subprocess
import sys

import pytest
from pyosys import libyosys as ys

_RUN = "import sys; from pyosys import libyosys as ys; d = ys.Design(); [d.run_pass(c) for c in sys.argv[1:]]"


#: A register of which four bits are read, and an adder that feeds no others.
_HELD_SUM = """
module top(input clk, input choice, input [7:0] a, input [7:0] b, output [3:0] y);
  wire [7:0] sum = a + b;
  reg [7:0] held = 8'h0f;
  always @(posedge clk) held <= choice ? 8'h37 : sum;
  assign y = held[5:2];
endmodule
"""


@pytest.fixture
def held_sum():
    """Verilog of a register that is wider than what is read of it."""
    return _HELD_SUM


@pytest.fixture
def read(tmp_path):
    """A function: Verilog text to a design of expressions and registers."""
    kept = []  # modules of a design that is forgotten are no more

    def design_of(text):
        (tmp_path / "source.v").write_text(text)
        design = ys.Design()
        kept.append(design)
        for command in (f"read_verilog {tmp_path / 'source.v'}", "proc", "opt_clean -purge"):
            design.run_pass(f"tee -q {command}")
        return design

    return design_of


@pytest.fixture
def written(tmp_path):
    """A function: design to Verilog text."""
    def text_of(design):
        design.run_pass(f"tee -q write_verilog -noattr {tmp_path / 'out.v'}")
        return (tmp_path / "out.v").read_text()

    return text_of


@pytest.fixture
def proved_equal(tmp_path):
    """A function: whether two Verilog texts with a module ``top`` do the same in three cycles from power-up on,
    whatever comes in. Yosys runs in a process of its own: it ends the one it runs in.
    """
    def equal(one, other):
        passes = []
        for name, text in (("one", one), ("other", other)):
            (tmp_path / f"{name}.v").write_text(text)
            passes += [
                f"read_verilog {tmp_path / name}.v", "hierarchy -top top", "proc", "flatten", f"rename top {name}",
                f"design -stash {name}",
            ]
        passes += [
            "design -copy-from one one", "design -copy-from other other",
            "miter -equiv -flatten -make_outputs one other both", "hierarchy -top both",
            "sat -seq 3 -enable_undef -set-def-inputs -set-init-def -prove trigger 0 -verify both",
        ]
        result = subprocess.run([sys.executable, "-c", _RUN, *passes], capture_output=True, text=True, check=False)
        assert result.returncode == 0 or "proof did fail" in result.stdout + result.stderr, result.stdout[-2000:]
        return result.returncode == 0

    return equal
