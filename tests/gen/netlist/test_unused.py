"""What nobody reads is cut off, or says so in its name."""

import re

from pyosys import libyosys as ys

from gen.netlist.unused import name_unused, narrow, trim_ports

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

SUM = """
module top(input clk, input choice, input [7:0] a, input [7:0] b, output [3:0] y);
  wire [7:0] sum = a + b;
  reg [7:0] held = 8'h0f;
  always @(posedge clk) held <= choice ? 8'h37 : sum;
  assign y = held[5:2];
endmodule
"""


def trimmed(design):
    rounds = 0
    while trim_ports(design):
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


def test_unread_bits_have_a_name_that_says_so(read, written, proved_equal):
    """Also where they begin with a value."""
    design = read(SUM)
    name_unused(design.module(ys.IdString("\\top")))
    text = written(design)
    assert re.search(r"\{.*held_unused.*\} = ", text)
    assert re.search(r"wire \[3:0\] held;", text)
    assert proved_equal(SUM, text)


def test_registers_and_choices_are_as_narrow_as_what_is_read_of_them(read, written, proved_equal):
    design = read(SUM)
    module = design.module(ys.IdString("\\top"))
    while narrow(module):
        design.run_pass("tee -q opt_clean -purge")
    name_unused(module)
    text = written(design)
    assert re.search(r"reg \[3:0\] \w+ = 4'h3;", text), text
    assert re.search(r"\{ sum_unused\[3:2\], sum, sum_unused\[1:0\] \} = a \+ b;", text)
    assert proved_equal(SUM, text)
    assert not proved_equal(SUM, text.replace("4'h3", "4'hc"))


def test_a_part_unknown_to_the_design_may_read_all(read, written):
    text = "module top(input [3:0] a); wire [3:0] b = ~a; macro other(.a(b)); endmodule"
    design = read(text)
    assert not trim_ports(design)
    name_unused(design.module(ys.IdString("\\top")))
    assert "unused" not in written(design)
