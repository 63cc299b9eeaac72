"""Bits of signals, and new wires."""

from pyosys import libyosys as ys

from gen.netlist.signals import bits_of, fresh, one_of, signal_of, zeros


def test_signals_and_their_bits(read):
    module = read("module top(input [2:0] a, output [2:0] y); assign y = ~a; endmodule").module(ys.IdString("\\top"))
    bits = bits_of(ys.SigSpec(module.wire(ys.IdString("\\a"))))
    assert [(bit.wire.name.str(), bit.offset) for bit in bits] == [("\\a", 0), ("\\a", 1), ("\\a", 2)]
    assert [bit.offset for bit in bits_of(signal_of(reversed(bits)))] == [2, 1, 0]
    assert zeros(5).size() == 5
    assert zeros(5).is_fully_zero()
    assert [fresh(module, "a", width).name.str() for width in (1, 2)] == ["\\a_1", "\\a_2"]
    assert {module.cell(name).type for name in module.cells_} == one_of("not")
