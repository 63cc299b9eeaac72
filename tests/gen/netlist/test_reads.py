"""What is read, through instances and connections, and again after a change."""

from pyosys import libyosys as ys

from gen.netlist.cut import name_unused
from gen.netlist.ports import trim_ports
from gen.netlist.reads import Netlist

NESTED = """
module inner(input [3:0] a, output y); assign y = ~a[2]; endmodule
module middle(input [3:0] b, output z); inner one(.a(b), .y(z)); endmodule
module top(input [3:0] c, output w); middle two(.b({c[0], c[3:1]}), .z(w)); endmodule
"""


def test_an_instance_reads_what_is_read_inside(read):
    reads = Netlist(read(NESTED)).reads()
    assert reads["\\inner"]["\\a"] == 0b0100
    assert reads["\\middle"]["\\b"] == 0b0100
    assert reads["\\top"]["\\c"] == 0b1000


def test_a_change_is_seen_in_all_modules_around(read):
    design = read(NESTED)
    netlist = Netlist(design)
    netlist.reads()
    inner = netlist.modules["\\inner"]
    cell = inner.cell(next(iter(inner.cells_)))
    cell.setPort(ys.IdString("\\A"), ys.SigSpec(inner.wire(ys.IdString("\\a")), 1, 1))
    assert netlist.reads()["\\top"]["\\c"] == 0b1000
    netlist.changed("\\inner")
    assert netlist.reads()["\\top"]["\\c"] == 0b0100


def test_a_part_unknown_to_the_design_may_read_all(read, written):
    text = "module top(input [3:0] a); wire [3:0] b = ~a; macro other(.a(b)); endmodule"
    design = read(text)
    assert not trim_ports(Netlist(design))
    name_unused(design.module(ys.IdString("\\top")))
    assert "unused" not in written(design)
