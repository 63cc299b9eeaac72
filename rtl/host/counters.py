"""Where the cycles of an inference went: small counters, which a walk adds to a memory time and again."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS, Cause
from rtl.base.ram import Ram
from rtl.host.watchdog import Watchdog
from spec.registers import COUNTERS, offset_of

__all__ = ["ROW_BITS", "CounterPort", "Counters"]

#: Bits of the number of a 32-bit word of the counters: those of the offset of its register, but for the last two.
ROW_BITS = 5


class CounterPort(wiring.Signature):
    """How the host takes and reads copies of the counters, from its registers' side.

    Members
    -------
    snapshot : Out(1)
        Copy all counters, without this cycle. Only in the cycle after one with ``ready``.
    ready : In(1)
    address : Out(ROW_BITS)
        Word ``offset[2:2 + ROW_BITS]``.
    free : In(1)
        The word at ``address`` stands on ``word`` two cycles later; not in the cycle after a snapshot, which no
        answered write precedes.
    word : In(32)
        Of the last snapshot; 0 before the first one.
    """

    def __init__(self):
        super().__init__({
            "snapshot": Out(1), "ready": In(1), "address": Out(ROW_BITS), "free": In(1), "word": In(AXI_BITS),
        })


#: Cycle of a round in which the next one begins, so that a small counter holds what comes in between.
_LAST = (1 << ROW_BITS) - 2
_WORDS = 2 * len(COUNTERS)
#: The first word.
_FIRST = offset_of("TOTAL_LOW") >> 2 & (1 << ROW_BITS) - 1


class Counters(wiring.Component):
    """Counts every running cycle once in the total and once under its cause: the total is their sum, always.

    A round takes all small counters at once, and the two words of each counter in the memory, one per cycle, get what
    its small counter had. It begins with a snapshot, whose counters go to words of their own, and otherwise 31 cycles
    after the last one. So a snapshot waits for the end of a round, up to 23 cycles, and a read for that and two more;
    what is read is exact.

    Members
    -------
    running : In(1)
        This cycle is part of an inference.
    cause : In(Cause)
        What it is spent on.
    clear : In(1)
        Start over: this cycle, if it is running, is the first one counted.
    limit : In(32)
        Total from which on an inference has taken too long; 0 is never.
    expired : Out(1)
        The inference went on after ``limit`` cycles; one cycle, that after the one too many.
    port : In(CounterPort())
        The host's copies.
    """

    running: In(1)
    cause: In(Cause)
    clear: In(1)
    limit: In(AXI_BITS)
    expired: Out(1)
    port: In(CounterPort())

    def __init__(self):
        super().__init__()
        self.memory = Ram(width=AXI_BITS, depth=2 << ROW_BITS)

    def elaborate(self, platform):
        m = Module()

        m.submodules.watchdog = watchdog = Watchdog()
        m.d.comb += [
            watchdog.running.eq(self.running), watchdog.clear.eq(self.clear), watchdog.limit.eq(self.limit),
            self.expired.eq(watchdog.expired),
        ]
        # All inputs a cycle later: what decides on the cause is far from simple.
        counted, clear, snapshot = Signal(len(COUNTERS)), Signal(), Signal(name="snapshot")
        m.d.sync += [clear.eq(self.clear), snapshot.eq(self.port.snapshot), counted[0].eq(self.running)]
        for index, cause in enumerate(Cause, start=1):
            m.d.sync += counted[index].eq(self.running & (self.cause == cause))

        timer, begin = Signal(ROW_BITS, name="timer"), Signal(name="begin")
        small, taken = (
            Signal(data.ArrayLayout(unsigned(ROW_BITS), len(COUNTERS)), name=name) for name in ("small", "taken")
        )
        m.d.comb += begin.eq(snapshot | (timer == _LAST))
        m.d.sync += timer.eq(Mux(begin, 0, timer + 1))
        for index in range(len(COUNTERS)):
            with m.If(begin | clear):
                m.d.sync += small[index].eq(counted[index])
            with m.Else():
                m.d.sync += small[index].eq(small[index] + counted[index])
        with m.If(begin):
            m.d.sync += taken.eq(small)
        self._walk(m, timer, taken, self._banks(m, begin, clear, snapshot))
        return m

    def _banks(self, m: Module, begin: Signal, clear: Signal, snapshot: Signal) -> tuple[Signal, Signal, Signal]:
        """Where the round finds its counters, and puts them: 0 the present ones, 1 the snapshot's, from which the next
        round takes them. And whether they are 0 instead of what it finds.
        """
        source, goal = Signal(name="source"), Signal(name="goal")
        zero, fresh = Signal(name="zero", init=1), Signal(name="fresh")
        with m.If(begin):
            m.d.sync += [source.eq(goal), goal.eq(snapshot), zero.eq(fresh), fresh.eq(clear)]
        with m.Elif(clear):
            m.d.sync += fresh.eq(1)
        return source, goal, zero

    def _walk(self, m: Module, timer: Signal, taken: data.View, banks: tuple[Signal, Signal, Signal]) -> None:
        """Word by word, low before high: read, two cycles; add; write."""
        source, goal, zero = banks
        port, free = self.port, timer[3] & timer[4]
        m.submodules.memory = memory = self.memory
        row, walks, stands = timer ^ _FIRST, timer < _WORDS, Signal(ROW_BITS, name="stands")
        for age in range(1, Ram.LATENCY + 1):
            number = row[1:] ^ _FIRST >> 1
            after, still = Signal(ROW_BITS, name=f"row{age}"), Signal(name=f"walks{age}")
            m.d.sync += [after.eq(row), still.eq(walks)]
            row, walks = after, still
        m.d.sync += stands.eq(taken.as_value().word_select(number, ROW_BITS))
        written, writes, known = Signal(ROW_BITS, name="written"), Signal(name="writes"), Signal(name="known")
        total, added = Signal(AXI_BITS + 1, name="total"), Signal(ROW_BITS)
        m.d.comb += added.eq(Mux(row[0], total[-1], stands))
        m.d.sync += [written.eq(row), writes.eq(walks), known.eq(known | goal & writes)]
        with m.If(zero):
            m.d.sync += total.eq(added)
        with m.Else():
            m.d.sync += total.eq(memory.read_data + added)
        m.d.comb += [
            memory.read_enable.eq(1),
            memory.read_address.eq(Mux(free, Cat(port.address, Const(1, 1)), Cat(timer ^ _FIRST, source))),
            memory.write.address.eq(Cat(written, goal)),
            memory.write.data.eq(total),
            memory.write.enable.eq(writes),
            port.free.eq(free),
            port.word.eq(memory.read_data & known.replicate(AXI_BITS)),
            # Two cycles later, that of the snapshot, no round is going on, nor is one about to begin.
            port.ready.eq(timer[4] & (timer[3] ^ timer[2])),
        ]
