"""What nobody reads says so in its name."""

import re

from pyosys import libyosys as ys

from gen.netlist.cut import name_unused

SUM = """
module top(input clk, input choice, input [7:0] a, input [7:0] b, output [3:0] y);
  wire [7:0] sum = a + b;
  reg [7:0] held = 8'h0f;
  always @(posedge clk) held <= choice ? 8'h37 : sum;
  assign y = held[5:2];
endmodule
"""


def test_unread_bits_have_a_name_that_says_so(read, written, proved_equal):
    """Also where they begin with a value."""
    design = read(SUM)
    name_unused(design.module(ys.IdString("\\top")))
    text = written(design)
    assert re.search(r"\{.*held_unused.*\} = ", text)
    assert re.search(r"wire \[3:0\] held;", text)
    assert proved_equal(SUM, text)
