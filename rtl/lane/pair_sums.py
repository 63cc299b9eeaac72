"""Sum and difference of a pair, or two other bytes: a small module, for a target to map."""

from amaranth.hdl import Module, Mux, signed
from amaranth.lib.wiring import In, Out

from rtl.base.mapped import Mapped

__all__ = ["PAIR_MODULE", "PairSums"]

#: Name of the Verilog module that stands for every one of them.
PAIR_MODULE = "foldenite_pair"


class PairSums(Mapped):
    """``third, fourth = (a + b, a - b) if pairs else (c, d)``: the choice costs nothing where a carry cell has inputs
    to spare. Combinational.

    Parameters
    ----------
    chosen : bool
        ``pairs`` changes: if it is a constant, adders or bytes are all that is left.

    Members
    -------
    a, b, c, d : In(8)
    pairs : In(1)
    third : Out(9)
    fourth : Out(signed(9))
    """

    def __init__(self, *, chosen: bool = True):
        self.module = PAIR_MODULE if chosen else ""
        super().__init__({
            **{name: In(8) for name in "abcd"}, "pairs": In(1), "third": Out(9), "fourth": Out(signed(9)),
        })

    def describe(self):
        m = Module()

        m.d.comb += [
            self.third.eq(Mux(self.pairs, self.a + self.b, self.c)),
            self.fourth.eq(Mux(self.pairs, self.a - self.b, self.d)),
        ]
        return m
