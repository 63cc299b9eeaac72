"""No port has to be escaped."""

from gen.netlist.names import simplify_ports

TEXT = """
module part(input \\a$1 , input a_1, output \\y[0] );
  assign \\y[0] = \\a$1 & ~a_1;
endmodule
module top(input a, input b, output y);
  part inner(.\\a$1 (a), .a_1(b), .\\y[0] (y));
endmodule
"""


def test_ports_and_what_is_connected_to_them(read, written, proved_equal):
    design = read(TEXT)
    simplify_ports(design)
    text = written(design)
    assert "\\" not in text
    assert "module part(a_1_1, a_1, y_0_);" in text
    assert proved_equal(TEXT, text)
