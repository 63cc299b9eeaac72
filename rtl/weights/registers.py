"""The weights of a tile beside the PEs: one set works while the next one is filled."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import Weight, weight_bits

__all__ = ["WeightRegisters"]


class WeightRegisters(wiring.Component):
    """Two sets of ``rows x groups`` weights: ``write`` fills ``write_rows`` rows of the shadow set, ``swap`` makes it
    the active one, for the words from the next cycle on. A row may be written in the cycle of the swap; it belongs to
    the tile after it. All lanes share the active set.

    Parameters
    ----------
    groups : int
        Tg: PEs per row.
    rows : int
        Tm.
    write_rows : int
        Rows written at a time; divides ``rows``.

    Members
    -------
    write : In(1)
    write_group : In(range(rows // write_rows))
    write_weights : In(ArrayLayout(Weight, write_rows * groups))
        Row by row.
    swap : In(1)
    weights : Out(weight_bits(groups)).array(rows)
        The active set, row by row.
    """

    def __init__(self, *, groups: int, rows: int, write_rows: int):
        self.groups = groups
        self.rows = rows
        self.write_rows = write_rows
        super().__init__({
            "write": In(1),
            "write_group": In(range(rows // write_rows)),
            "write_weights": In(data.ArrayLayout(Weight, write_rows * groups)),
            "swap": In(1),
            "weights": Out(weight_bits(groups)).array(rows),
        })

    def elaborate(self, platform):
        m = Module()

        width = weight_bits(self.groups)
        for r in range(self.rows):
            shadow = Signal(width, name=f"shadow{r}", reset_less=True)
            active = Signal(width, name=f"active{r}", reset_less=True)
            arriving = self.write_weights.as_value().word_select(r % self.write_rows, width)
            with m.If(self.write & (self.write_group == r // self.write_rows)):
                m.d.sync += shadow.eq(arriving)
            with m.If(self.swap):
                m.d.sync += active.eq(shadow)
            m.d.comb += self.weights[r].eq(active)
        return m
