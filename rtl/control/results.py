"""What turning sums into stores takes once for all lanes: batch-norm entries, addresses, and when."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.checked_ram import CheckedRam
from rtl.base.command import COMMAND, WIDTHS
from rtl.base.ports import Entry, StoreStep, WordFault, WritePort
from rtl.base.ram import Ram
from rtl.control.output_walk import OutputWalk
from rtl.lane.requantizer import Requantizer
from spec.config import AcceleratorConfig

__all__ = ["Results"]


class Results(wiring.Component):
    """Fetches the entries of the sums of one pixel per cycle and addresses their residual and their store, in the order
    of :class:`OutputWalk`; in every lane a :class:`rtl.lane.requantizer_row.RequantizerRow` does the rest.

    ``announce`` comes two cycles before the sums, when the residual word is addressed. The store follows the sums by
    :data:`Requantizer.LATENCY` cycles. Throughput one pixel per cycle, no stall.

    Where rows take turns at the requantizers, ``announce`` begins a pixel that takes as many cycles as there are turns,
    and all these times are those of each turn; the store comes with the last one. The entries of a turn are a word of
    their memory, read for every pixel.

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
    residual_address : Out(address_bits)
    residual_column : Out(range(columns * rows_per_requantizer))
        Part of the residual word, which is read two cycles after ``residual_address``.
    entries : Out(ArrayLayout(Entry, requantizers))
        With the sums.
    turn : In(range(rows_per_requantizer))
        Counts the turns from ``soon`` on. Only if rows take turns.
    sums_turn, result_turn : Out(range(rows_per_requantizer))
        The turn whose sums come a cycle later, and the one whose results leave the requantizers. Likewise.
    store : Out(StoreStep(address_bits, columns))
    soon : In(1)
        ``announce`` of the next cycle.
    pending : Out(1)
        Results are in flight from ``announce`` to the store.
    entry_write : In(WritePort)
    fault : Out(WordFault)
        Entries taken were wrong.
        Of the entry memory, by entry.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        self.turns = turns = config.rows_per_requantizer
        width, depth = 32 * config.requantizers, config.entry_rows * turns
        taking_turns = {
            "turn": In(range(turns)), "sums_turn": Out(range(turns)), "result_turn": Out(range(turns)),
        } if turns > 1 else {}
        super().__init__(taking_turns | {
            "take": In(1),
            "command": In(COMMAND),
            "entry_offset": In(WIDTHS["entry_base"]),
            "announce": In(1),
            "soon": In(1),
            "residual_address": Out(config.address_bits),
            "residual_column": Out(range(config.columns * turns)),
            "entries": Out(data.ArrayLayout(Entry, config.requantizers)),
            "store": Out(StoreStep(config.address_bits, config.columns)),
            "pending": Out(1),
            "entry_write": In(WritePort(width=width, depth=depth, part=32)),
            "fault": Out(WordFault(depth)),
        })
        self.memory = CheckedRam(width=width, depth=depth, protect=config.protect)

    def elaborate(self, platform):
        m = Module()
        config = self.config

        # The residual is addressed Ram.LATENCY cycles before its sum, the store Requantizer.LATENCY cycles after it.
        m.submodules.reads = reads = OutputWalk(
            columns=config.columns, address_bits=config.address_bits, halves=config.upsample
        )
        m.submodules.writes = writes = OutputWalk(columns=config.columns, address_bits=config.address_bits)
        flight = Signal(Ram.LATENCY + self.turns - 1 + Requantizer.LATENCY)
        m.d.sync += flight.eq(Cat(self.announce, flight))
        m.d.sync += self.pending.eq(self.soon | self.announce | flight[:-1].any())
        for walk, base in ((reads, self.command.residual_base), (writes, self.command.out_base)):
            m.d.comb += [
                walk.reset.eq(self.take),
                walk.base.eq(base),
                walk.pixels.eq(self.command.out_pixels),
                walk.step.eq(self.command.out_step),
            ]
        if config.upsample:
            m.d.comb += [reads.half.eq(self.command.residual_half), reads.width.eq(self.command.out_width)]
        m.d.comb += [
            reads.advance.eq(self.soon),
            writes.advance.eq(flight[-1]),
            self.store.enable.eq(flight[-1]),
            self.store.address.eq(writes.address),
            self.store.column.eq(writes.column),
        ]
        if self.turns > 1:
            self._residual_in_turns(m, reads)
            self._entries_in_turns(m, reads)
        else:
            m.d.sync += self.residual_address.eq(reads.address)
            m.d.comb += self.residual_column.eq(_later(m, "column", reads.column, 1 + Ram.LATENCY))
            self._entries(m, reads)
        return m

    def _residual_in_turns(self, m: Module, reads: OutputWalk) -> None:
        """The residual word stands for all turns, each of which adds another part of its column."""
        column = Signal.like(reads.column)
        with m.If(self.soon):
            m.d.sync += [self.residual_address.eq(reads.address), column.eq(reads.column)]
        m.d.comb += self.sums_turn.eq(_later(m, "turn", self.turn, Ram.LATENCY))
        added_turn = _later(m, "sums_turn", self.sums_turn, 1)
        m.d.comb += [
            self.residual_column.eq(Cat(added_turn, _later(m, "column", column, Ram.LATENCY))),
            self.result_turn.eq(_later(m, "added_turn", added_turn, Requantizer.LATENCY)),
        ]

    def _entries_in_turns(self, m: Module, reads: OutputWalk) -> None:
        """Entries of the rows whose turn it is, of the present channel tile."""
        entries = Signal.like(self.entries, reset_less=True)
        m.d.sync += entries.eq(self.memory.read_data)
        m.d.comb += self.entries.eq(entries)
        # In the last turn of a tile's last pixel, the next pixel is the first of another one.
        self._read(m, (self.turn == self.turns - 1) & reads.first, self.turn)
        if self.config.protect:
            memory = self.memory
            wanted = _later(m, "wanted", self.soon | (self.turn != 0), Ram.LATENCY)
            m.d.comb += memory.used.eq(wanted.replicate(len(memory.used)))

    def _entries(self, m: Module, reads: OutputWalk) -> None:
        """Entries of the rows of the present channel tile, from two cycles after its first result is announced.

        The memory always reads those of the next tile, which is :data:`rtl.lane.accumulator.Accumulator.TURNAROUND`
        cycles away at least: so they have a whole cycle to get from the memory to the lanes.
        """
        memory = self.memory
        first = Signal(Ram.LATENCY)
        entries = Signal.like(self.entries, reset_less=True)
        m.d.sync += first.eq(Cat(self.soon & reads.first, first))
        m.d.comb += self.entries.eq(entries)
        self._read(m, first[-1], Const(0, 0))
        with m.If(first[-1]):
            m.d.sync += entries.eq(memory.read_data)
            if self.config.protect:
                m.d.comb += memory.used.eq(~0)

    def _read(self, m: Module, moves: Value, turn: Value) -> None:
        """The memory reads the entries of a channel tile, those of ``turn``, until it ``moves`` to the next tile."""
        m.submodules.memory = memory = self.memory
        row = Signal(WIDTHS["entry_base"])
        m.d.comb += [memory.read_address.eq(Cat(turn, row)), memory.read_enable.eq(1)]
        wiring.connect(m, wiring.flipped(self.entry_write), memory.write)
        wiring.connect(m, memory.fault, wiring.flipped(self.fault))
        with m.If(self.take):
            m.d.sync += row.eq(self.command.entry_base + self.entry_offset)
        with m.Elif(moves):
            m.d.sync += row.eq(row + 1)


def _later(m: Module, name: str, value: Value, cycles: int) -> Value:
    """``value`` of ``cycles`` cycles ago."""
    for age in range(cycles):
        held = Signal(value.shape(), name=f"{name}{age}")
        m.d.sync += held.eq(value)
        value = held
    return value
