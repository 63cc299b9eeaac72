"""What turning sums into stores takes once for all lanes: batch-norm entries, addresses, and when."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.checked_ram import CheckedRam
from rtl.base.command import COMMAND
from rtl.base.history import history
from rtl.base.ports import Entry, StoreStep, WordFault, WritePort
from rtl.base.ram import Ram
from rtl.control.output_walk import OutputWalk
from rtl.lane.requantizer import Requantizer
from spec.config import AcceleratorConfig
from spec.extents import field_bits

__all__ = ["Results"]


class Results(wiring.Component):
    """Fetches the entries of the sums of one pixel per cycle and addresses their residual and their store, in the order
    of one :class:`OutputWalk`; in every lane a :class:`rtl.lane.requantizer_row.RequantizerRow` does the rest.

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
        self.widths = field_bits(config)
        width, depth = 32 * config.requantizers, config.entry_rows * turns
        taking_turns = {
            "turn": In(range(turns)), "sums_turn": Out(range(turns)), "result_turn": Out(range(turns)),
        } if turns > 1 else {}
        super().__init__(taking_turns | {
            "take": In(1),
            "command": In(COMMAND),
            "entry_offset": In(self.widths["entry_base"]),
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
        # One walk does for both.
        m.submodules.walk = walk = OutputWalk(
            columns=config.columns, address_bits=config.address_bits, widths=self.widths, halves=config.upsample
        )
        flight = Signal(Ram.LATENCY + self.turns - 1 + Requantizer.LATENCY)
        m.d.sync += flight.eq(Cat(self.announce, flight))
        m.d.sync += self.pending.eq(self.soon | self.announce | flight[:-1].any())
        m.d.comb += [
            walk.reset.eq(self.take),
            walk.pixels.eq(self.command.out_pixels),
            walk.step.eq(self.command.out_step),
            walk.advance.eq(self.soon),
        ]
        self._store(m, walk, Cat(self.soon, self.announce, flight))
        if config.upsample:
            m.d.comb += [walk.half.eq(self.command.residual_half), walk.width.eq(self.command.out_width)]
        residual = self.command.residual_base + (walk.added if config.upsample else walk.offset)
        if self.turns > 1:
            self._residual_in_turns(m, walk, residual)
            self._entries_in_turns(m, walk)
        else:
            m.d.sync += self.residual_address.eq(residual)
            m.d.comb += self.residual_column.eq(history(m, "column", walk.column, 1 + Ram.LATENCY)[-1])
            self._entries(m, walk)
        return m

    def _store(self, m: Module, walk: OutputWalk, soon: Value) -> None:
        """Store a result as many cycles after it is ``soon`` as this has bits: one for each cycle since.

        Its place waits for it, in a register for every ``turns`` cycles, in which no other result follows.
        """
        place, stored = Cat(walk.column, walk.offset), len(soon) - 1
        for age in range(0, stored - 1, self.turns):
            held = Signal(place.shape(), name=f"place{age}")
            with m.If(soon[age]):
                m.d.sync += held.eq(place)
            place = held
        columns = len(walk.column)
        m.d.comb += self.store.enable.eq(soon[stored])
        m.d.sync += [
            self.store.column.eq(place[:columns]), self.store.address.eq(self.command.out_base + place[columns:]),
        ]

    def _residual_in_turns(self, m: Module, walk: OutputWalk, address: Value) -> None:
        """The residual word stands for all turns, each of which adds another part of its column."""
        column = Signal.like(walk.column)
        with m.If(self.soon):
            m.d.sync += [self.residual_address.eq(address), column.eq(walk.column)]
        m.d.comb += self.sums_turn.eq(history(m, "turn", self.turn, Ram.LATENCY)[-1])
        added_turn = history(m, "sums_turn", self.sums_turn, 1)[-1]
        m.d.comb += [
            self.residual_column.eq(Cat(added_turn, history(m, "column", column, Ram.LATENCY)[-1])),
            self.result_turn.eq(history(m, "added_turn", added_turn, Requantizer.LATENCY)[-1]),
        ]

    def _entries_in_turns(self, m: Module, walk: OutputWalk) -> None:
        """Entries of the rows whose turn it is, of the present channel tile."""
        entries = Signal.like(self.entries, reset_less=True)
        m.d.sync += entries.eq(self.memory.read_data)
        m.d.comb += self.entries.eq(entries)
        # In the last turn of a tile's last pixel, the next pixel is the first of another one.
        self._read(m, (self.turn == self.turns - 1) & walk.first, self.turn)
        if self.config.protect:
            memory = self.memory
            wanted = history(m, "wanted", self.soon | (self.turn != 0), Ram.LATENCY)[-1]
            m.d.comb += memory.used.eq(wanted.replicate(len(memory.used)))

    def _entries(self, m: Module, walk: OutputWalk) -> None:
        """Entries of the rows of the present channel tile, from two cycles after its first result is announced.

        The memory always reads those of the next tile, which is :data:`rtl.lane.accumulator.Accumulator.TURNAROUND`
        cycles away at least: so they have a whole cycle to get from the memory to the lanes.
        """
        memory = self.memory
        first = Signal(Ram.LATENCY)
        entries = Signal.like(self.entries, reset_less=True)
        m.d.sync += first.eq(Cat(self.soon & walk.first, first))
        m.d.comb += self.entries.eq(entries)
        self._read(m, first[-1], Const(0, 0))
        with m.If(first[-1]):
            m.d.sync += entries.eq(memory.read_data)
            if self.config.protect:
                m.d.comb += memory.used.eq(~0)

    def _read(self, m: Module, moves: Value, turn: Value) -> None:
        """The memory reads the entries of a channel tile, those of ``turn``, until it ``moves`` to the next tile."""
        m.submodules.memory = memory = self.memory
        row = Signal(self.widths["entry_base"])
        m.d.comb += [memory.read_address.eq(Cat(turn, row)), memory.read_enable.eq(1)]
        wiring.connect(m, wiring.flipped(self.entry_write), memory.write)
        wiring.connect(m, memory.fault, wiring.flipped(self.fault))
        with m.If(self.take):
            m.d.sync += row.eq(self.command.entry_base + self.entry_offset)
        with m.Elif(moves):
            m.d.sync += row.eq(row + 1)
