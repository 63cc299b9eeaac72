"""Registers and choices lose the bits that nobody reads."""

import re

from pyosys import libyosys as ys

from gen.netlist.cut import name_unused
from gen.netlist.narrow import narrow
from gen.netlist.reads import links_of

SUM = """
module top(input clk, input choice, input [7:0] a, input [7:0] b, output [3:0] y);
  wire [7:0] sum = a + b;
  reg [7:0] held = 8'h0f;
  always @(posedge clk) held <= choice ? 8'h37 : sum;
  assign y = held[5:2];
endmodule
"""


def test_registers_and_choices_are_as_narrow_as_what_is_read_of_them(read, written, proved_equal):
    design = read(SUM)
    module = design.module(ys.IdString("\\top"))
    while narrow(module, links_of(module)):
        design.run_pass("tee -q opt_clean -purge")
    name_unused(module)
    text = written(design)
    assert re.search(r"reg \[3:0\] \w+ = 4'h3;", text), text
    assert re.search(r"\{ sum_unused\[3:2\], sum, sum_unused\[1:0\] \} = a \+ b;", text)
    assert proved_equal(SUM, text)
    assert not proved_equal(SUM, text.replace("4'h3", "4'hc"))
