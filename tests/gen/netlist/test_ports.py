"""Ports are as narrow as what is read of them."""

import re

from gen.netlist.ports import trim_ports
from gen.netlist.reads import Netlist

PARTS = """
module part(input clk, input [7:0] a, input [3:0] never, input [1:0] some, output [7:0] y, output [5:0] spare);
  reg [7:0] y = 8'h5a;
  always @(posedge clk) y <= a + {6'd0, some};
  assign spare = a[5:0] ^ 6'd1;
endmodule
module top(input clk, input [7:0] a, input [3:0] b, output [3:0] y, output z);
  wire [7:0] one, two;
  wire [5:0] spare;
  part first(.clk(clk), .a(a), .never(b), .some(b[1:0]), .y(one), .spare(spare));
  part second(.clk(clk), .a(~a), .never(~b), .some(b[3:2]), .y(two), .spare());
  assign y = one[3:0] ^ two[4:1];
  assign z = spare[2];
endmodule
"""


def trimmed(design):
    rounds = 0
    while trim_ports(Netlist(design)):
        design.run_pass("tee -q opt_clean -purge")
        rounds += 1
    assert rounds
    return design


def test_ports_are_cut_to_what_some_instance_needs(read, written, proved_equal):
    text = written(trimmed(read(PARTS)))
    part = text[text.index("module part(") :].partition("endmodule")[0]
    widths = {
        name: int(high or 0) + 1
        for high, name in re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\w+);", part, re.MULTILINE)
    }
    assert widths == {"clk": 1, "a": 8, "some": 2, "y": 5, "spare": 1}
    assert proved_equal(PARTS, text)


def test_the_top_keeps_its_ports(read, written):
    text = written(trimmed(read(PARTS.replace("output z);", "output z, input pin);"))))
    assert "  input pin;" in text


def test_modules_that_changed_are_named(read):
    """Those with fewer ports, and those around their instances; what is kept of the others is as good as new."""
    design = read(PARTS + "module other(input o, output p); assign p = ~o; endmodule")
    netlist = Netlist(design)
    assert trim_ports(netlist) == {"\\part", "\\top"}
    assert netlist.reads() == Netlist(design).reads()
