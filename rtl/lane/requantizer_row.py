"""The requantizers of a lane, with the residuals they add: one for every row, or for several that take turns."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.choice import choose
from rtl.base.command import COMMAND
from rtl.base.ports import Entry
from rtl.lane.requantizer import Requantizer
from spec.numerics import MASK_WIDTHS, Widths

__all__ = ["RequantizerRow"]


class RequantizerRow(wiring.Component):
    """``rows / turns`` times :class:`rtl.lane.requantizer.Requantizer`, all with the shifts and signs of ``command``.

    Requantizer ``j`` of ``n`` serves row ``turn*n + j`` in turn ``turn``: the sums of a pixel stand for ``turns``
    cycles, a turn each, and so do its entries and its part of the residual word.

    Latency :data:`rtl.lane.requantizer.Requantizer.LATENCY` cycles from ``entries`` and ``residual_word`` to ``y``.
    ``acc`` comes with them where every row has its own requantizer, otherwise a cycle before, so that the choice among
    rows is a register's; throughput one pixel in ``turns`` cycles.

    Parameters
    ----------
    word_bytes, rows : int
        C and Tm: a word has ``C // Tm`` columns.
    turns : int
        Rows per requantizer; a power of two.
    widths : Widths

    Members
    -------
    command : In(COMMAND)
    acc : In(ArrayLayout(signed(widths.acc), rows))
    entries : In(ArrayLayout(Entry, rows // turns))
    residual_word : In(8 * word_bytes)
    residual_column : In(range(columns * turns))
        The part of ``residual_word`` that the requantizers add.
    sums_turn : In(range(turns))
        Whose turn it is of ``acc``. Only with several turns.
    result_turn : In(range(turns))
        Whose turn it is of what leaves the requantizers. Likewise.
    y : Out(8 * rows)
        Of all rows, in the last turn.
    """

    def __init__(self, *, word_bytes: int, rows: int, turns: int = 1, widths: Widths = MASK_WIDTHS):
        self.rows = rows
        self.turns = turns
        self.widths = widths
        self.columns = word_bytes // rows
        turn_ports = {name: In(range(turns)) for name in ("sums_turn", "result_turn")} if turns > 1 else {}
        super().__init__(turn_ports | {
            "command": In(COMMAND),
            "acc": In(data.ArrayLayout(signed(widths.acc), rows)),
            "entries": In(data.ArrayLayout(Entry, rows // turns)),
            "residual_word": In(8 * word_bytes),
            "residual_column": In(range(self.columns * turns)),
            "y": Out(8 * rows),
        })

    def elaborate(self, platform):
        m = Module()

        count = self.rows // self.turns
        residuals = Signal(8 * count)
        served = self._collected(m, count) if self.turns > 1 else self.y
        parts = [self.residual_word.word_select(part, 8 * count) for part in range(self.columns * self.turns)]
        m.d.comb += residuals.eq(choose(m, "part", parts, self.residual_column))
        for j, acc in enumerate(self._served(m)):
            m.submodules[f"requantizer{j}"] = requantizer = Requantizer(self.widths)
            m.d.comb += [
                requantizer.acc.eq(acc),
                requantizer.entry.eq(self.entries[j]),
                requantizer.residual.eq(residuals.word_select(j, 8)),
                requantizer.add_residual.eq(self.command.residual),
                requantizer.residual_signed.eq(self.command.residual_signed),
                requantizer.output_signed.eq(self.command.output_signed),
                requantizer.unused_bits.eq(self.command.unused_bits),
                requantizer.shift.eq(self.command.shift),
                requantizer.bias_shift.eq(self.command.bias_shift),
                requantizer.residual_shift.eq(self.command.residual_shift),
                served.word_select(j, 8).eq(requantizer.y),
            ]
        return m

    def _served(self, m: Module) -> list[Value]:
        """The sum that each requantizer works on."""
        if self.turns == 1:
            return [self.acc[r] for r in range(self.rows)]
        count = self.rows // self.turns
        chosen = [Signal(signed(self.widths.acc), name=f"acc{j}", reset_less=True) for j in range(count)]
        for j, acc in enumerate(chosen):
            of_turns = [self.acc[turn * count + j].as_unsigned() for turn in range(self.turns)]
            m.d.sync += acc.eq(choose(m, f"sum{j}", of_turns, self.sums_turn))
        return chosen

    def _collected(self, m: Module, count: int) -> Signal:
        """What leaves the ``count`` requantizers; results wait for the last turn, all but its own."""
        served, parts = Signal(8 * count), []
        for turn in range(self.turns - 1):
            parts.append(Signal.like(served, name=f"turn{turn}", reset_less=True))
            with m.If(self.result_turn == turn):
                m.d.sync += parts[-1].eq(served)
        m.d.comb += self.y.eq(Cat(*parts, served))
        return served
