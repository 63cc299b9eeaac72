"""From finished sums to memory: batch-norm entries, residuals, requantizers, addresses."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.command import COMMAND
from rtl.output_walk import OutputWalk
from rtl.ram import Ram
from rtl.requantizer import Entry, Requantizer
from spec.commands import ADDRESS_BITS
from spec.config import AcceleratorConfig

__all__ = ["Results"]


class Results(wiring.Component):
    """Requantizes the sums of one pixel per cycle and addresses their store, in the order of :class:`OutputWalk`.

    ``announce`` comes two cycles before ``acc``, when the entries and the residual word are addressed. The store
    follows ``acc`` by :data:`Requantizer.LATENCY` cycles. Throughput one pixel per cycle, no stall.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    take : In(1)
        A new command begins; nothing is in flight.
    command : In(COMMAND)
    entry_offset : In(20)
        Entry rows that the iteration adds.
    announce : In(1)
    acc : In(ArrayLayout(signed(config.widths.acc), rows))
    residual_address : Out(24)
    residual_word : In(8 * word_bytes)
        Two cycles after ``residual_address``.
    write : Out(1)
    write_address : Out(24)
    write_column : Out(range(columns))
    y : Out(8 * rows)
    pending : Out(1)
        Results are in flight from ``announce`` to the store.
    entry_write_address, entry_write_data, entry_write_enable
        Write port of the entry memory, by entry.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "take": In(1),
            "command": In(COMMAND),
            "entry_offset": In(20),
            "announce": In(1),
            "acc": In(data.ArrayLayout(signed(config.widths.acc), config.rows)),
            "residual_address": Out(ADDRESS_BITS),
            "residual_word": In(8 * config.word_bytes),
            "write": Out(1),
            "write_address": Out(ADDRESS_BITS),
            "write_column": Out(range(config.columns)),
            "y": Out(8 * config.rows),
            "pending": Out(1),
            "entry_write_address": In(range(config.entry_rows)),
            "entry_write_data": In(32 * config.rows),
            "entry_write_enable": In(config.rows),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config

        # The residual is addressed Ram.LATENCY cycles before its sum, the store Requantizer.LATENCY cycles after it.
        m.submodules.reads = reads = OutputWalk(columns=config.columns)
        m.submodules.writes = writes = OutputWalk(columns=config.columns)
        flight = Signal(Ram.LATENCY + Requantizer.LATENCY)
        column, column_held = Signal.like(reads.column), Signal.like(reads.column)
        m.d.sync += [flight.eq(Cat(self.announce, flight)), column.eq(reads.column), column_held.eq(column)]
        for walk in (reads, writes):
            m.d.comb += [
                walk.reset.eq(self.take),
                walk.pixels.eq(self.command.out_pixels),
                walk.step.eq(self.command.out_step),
            ]
        m.d.comb += [
            reads.advance.eq(self.announce),
            writes.advance.eq(flight[-1]),
            self.pending.eq(self.announce | flight.any()),
            self.residual_address.eq(self.command.residual_base + reads.offset),
            self.write.eq(flight[-1]),
            self.write_address.eq(self.command.out_base + writes.offset),
            self.write_column.eq(writes.column),
        ]
        entries = self._entries(m, reads)

        columns = Array(self.residual_word.word_select(i, 8 * config.rows) for i in range(config.columns))
        residuals = Signal(8 * config.rows)
        m.d.comb += residuals.eq(columns[column_held])
        for r in range(config.rows):
            m.submodules[f"requantizer{r}"] = requantizer = Requantizer(config.widths)
            m.d.comb += [
                requantizer.acc.eq(self.acc[r]),
                requantizer.entry.eq(entries[r]),
                requantizer.residual.eq(residuals.word_select(r, 8)),
                requantizer.add_residual.eq(self.command.residual),
                requantizer.residual_signed.eq(self.command.residual_signed),
                requantizer.output_signed.eq(self.command.output_signed),
                requantizer.shift.eq(self.command.shift),
                requantizer.bias_shift.eq(self.command.bias_shift),
                requantizer.residual_shift.eq(self.command.residual_shift),
                self.y.word_select(r, 8).eq(requantizer.y),
            ]
        return m

    def _entries(self, m: Module, reads: OutputWalk) -> list:
        """Entries of the rows of the present channel tile, two cycles after its first result is announced."""
        config = self.config
        m.submodules.entries = memory = Ram(width=32 * config.rows, depth=config.entry_rows, part=32)
        row, next_row = Signal(20), Signal(20)
        first = Signal()
        m.d.comb += [
            first.eq(self.announce & reads.first),
            memory.read_address.eq(Mux(first, next_row, row)),
            memory.read_enable.eq(1),
            memory.write_address.eq(self.entry_write_address),
            memory.write_data.eq(self.entry_write_data),
            memory.write_enable.eq(self.entry_write_enable),
        ]
        with m.If(self.take):
            m.d.sync += next_row.eq(self.command.entry_base + self.entry_offset)
        with m.Elif(first):
            m.d.sync += [row.eq(next_row), next_row.eq(next_row + 1)]
        return [data.View(Entry, memory.read_data.word_select(r, 32)) for r in range(config.rows)]
