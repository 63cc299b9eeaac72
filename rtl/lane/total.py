"""The adder of the psums: a small module, for a target to map."""

from amaranth.hdl import Module, Mux, signed
from amaranth.lib.wiring import In, Out

from rtl.base.mapped import Mapped
from rtl.lane.pe_array import add_with_carry
from spec.numerics import ACC_BITS

__all__ = ["TOTAL_MODULE", "Total"]

#: Name of the Verilog module that stands for every such adder of a build without rings.
TOTAL_MODULE = "foldenite_total"


class Total(Mapped):
    """``total = sum + carry + (first if choose else second)``, modulo ``2**bits``: the choice costs nothing where a
    carry cell has inputs to spare. Combinational.

    Parameters
    ----------
    bits : int
    module : str
        Name of its module, or "".

    Members
    -------
    sum, first, second : In(signed(bits))
    choose, carry : In(1)
    total : Out(signed(bits))
    """

    def __init__(self, bits: int = ACC_BITS, module: str = TOTAL_MODULE):
        self.module = module
        number = signed(bits)
        super().__init__({
            "sum": In(number), "first": In(number), "second": In(number), "choose": In(1), "carry": In(1),
            "total": Out(number),
        })

    def describe(self):
        m = Module()

        m.d.comb += self.total.eq(add_with_carry(self.sum, Mux(self.choose, self.first, self.second), self.carry))
        return m
