"""The largest bytes of a window, channel by channel: what a lane adds to the walk of the max pool."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.choice import choose
from rtl.base.ports import PoolStep

__all__ = ["PoolMaximum"]


class PoolMaximum(wiring.Component):
    """``best[c] = max(word[c], 0 if first else best[c])``; ``y`` is a column of the maximum kept.

    Timing: ``keep`` comes in the cycle after a window's last word; from one cycle later to the next ``keep`` ``column``
    of the maximum stands on ``y``.

    Parameters
    ----------
    word_bytes, rows : int
        C and Tm.

    Members
    -------
    step : In(PoolStep)
    column : In(range(word_bytes // rows))
    word : In(8 * word_bytes)
    y : Out(8 * rows)
    """

    def __init__(self, *, word_bytes: int, rows: int):
        self.word_bytes = word_bytes
        self.rows = rows
        super().__init__({
            "step": In(PoolStep), "column": In(range(word_bytes // rows)), "word": In(8 * word_bytes),
            "y": Out(8 * rows),
        })

    def elaborate(self, platform):
        m = Module()

        best, line = Signal(8 * self.word_bytes, reset_less=True), Signal(8 * self.word_bytes, reset_less=True)
        for i in range(self.word_bytes):
            new, old = self.word.word_select(i, 8), best.word_select(i, 8)
            # A reset and an enable that flip-flops have: no logic stands before their data. Of a > b Yosys makes two
            # comparisons, of b < a one.
            with m.If(self.step.first & ~self.step.inside):
                m.d.sync += old.eq(0)
            with m.Elif(self.step.first | self.step.inside & (old < new)):
                m.d.sync += old.eq(new)
        columns = [line.word_select(column, 8 * self.rows) for column in range(self.word_bytes // self.rows)]
        m.d.comb += self.y.eq(choose(m, "column", columns, self.column))
        with m.If(self.step.keep):
            m.d.sync += line.eq(best)
        return m
