"""The requantizers of all rows of a lane, with the residuals they add."""

from amaranth.hdl import Array, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND
from rtl.base.ports import Entry
from rtl.lane.requantizer import Requantizer
from spec.numerics import MASK_WIDTHS, Widths

__all__ = ["RequantizerRow"]


class RequantizerRow(wiring.Component):
    """One :class:`rtl.lane.requantizer.Requantizer` per row, all with the shifts and signs of ``command``.

    Latency :data:`rtl.lane.requantizer.Requantizer.LATENCY` cycles from ``acc``, ``entries`` and ``residual_word``,
    which come together; throughput one pixel per cycle.

    Parameters
    ----------
    word_bytes, rows : int
        C and Tm: a word has ``C // Tm`` columns.
    widths : Widths

    Members
    -------
    command : In(COMMAND)
    acc : In(ArrayLayout(signed(widths.acc), rows))
    entries : In(ArrayLayout(Entry, rows))
    residual_word : In(8 * word_bytes)
    residual_column : In(range(columns))
        The part of ``residual_word`` that the rows add.
    y : Out(8 * rows)
    """

    def __init__(self, *, word_bytes: int, rows: int, widths: Widths = MASK_WIDTHS):
        self.rows = rows
        self.widths = widths
        self.columns = word_bytes // rows
        super().__init__({
            "command": In(COMMAND),
            "acc": In(data.ArrayLayout(signed(widths.acc), rows)),
            "entries": In(data.ArrayLayout(Entry, rows)),
            "residual_word": In(8 * word_bytes),
            "residual_column": In(range(self.columns)),
            "y": Out(8 * rows),
        })

    def elaborate(self, platform):
        m = Module()

        columns = Array(self.residual_word.word_select(i, 8 * self.rows) for i in range(self.columns))
        residuals = Signal(8 * self.rows)
        m.d.comb += residuals.eq(columns[self.residual_column])
        for r in range(self.rows):
            m.submodules[f"requantizer{r}"] = requantizer = Requantizer(self.widths)
            m.d.comb += [
                requantizer.acc.eq(self.acc[r]),
                requantizer.entry.eq(self.entries[r]),
                requantizer.residual.eq(residuals.word_select(r, 8)),
                requantizer.add_residual.eq(self.command.residual),
                requantizer.residual_signed.eq(self.command.residual_signed),
                requantizer.output_signed.eq(self.command.output_signed),
                requantizer.unused_bits.eq(self.command.unused_bits),
                requantizer.shift.eq(self.command.shift),
                requantizer.bias_shift.eq(self.command.bias_shift),
                requantizer.residual_shift.eq(self.command.residual_shift),
                self.y.word_select(r, 8).eq(requantizer.y),
            ]
        return m
