"""The cycle counters: what the host reads is what there was to count."""

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Elaboratable, Module, Mux, Signal, Value

from formal.harness import Inside, any_constant, free, implies, past
from rtl.host.counters import _FIRST, _LAST, _WORDS, ROW_BITS, Counters
from spec.registers import COUNTERS

__all__ = ["ReadsWhatWasCounted"]


class ReadsWhatWasCounted(Elaboratable):
    """Any one counter is watched: 64 bits that are cleared and count as they should, and that a snapshot copies.

    ``count`` is what it should be, ``taken`` what it was when the present round began, ``before`` what the memory held
    then, ``copy`` what it was at the last snapshot.
    """

    def elaborate(self, platform):
        m = Module()
        inside = Inside(m, dut := Counters())
        port = dut.port
        free(m, dut.running, dut.cause, dut.clear, dut.limit, port.snapshot, port.address)
        m.d.comb += Assume(implies(port.snapshot, past(m, port.ready)))
        m.d.comb += Assume(implies(port.snapshot, ~past(m, port.snapshot) & ~past(m, port.snapshot, 2)))

        watched = any_constant(m, range(len(COUNTERS)), "watched")
        m.d.comb += Assume(watched < len(COUNTERS))
        begin = inside["begin"]
        meant = (watched == 0) | (Value.cast(dut.cause) + 1 == watched)
        clear, counts = past(m, dut.clear), past(m, dut.running & meant)
        count, taken, before, copy = (Signal(64, name=name) for name in ("count", "taken", "before", "copy"))
        had = Signal(name="had")
        m.d.sync += count.eq(Mux(clear, 0, count) + counts)
        with m.If(begin):
            m.d.sync += [taken.eq(count), before.eq(taken)]
        with m.If(inside["snapshot"]):
            m.d.sync += [copy.eq(count), had.eq(1)]

        # What is read, but for an address that stands before the write of the snapshot can have been answered.
        address = Signal(ROW_BITS, name="low")
        m.d.comb += address.eq(_FIRST + 2 * watched)
        asked = past(m, port.free, 2) & ~past(m, port.snapshot, 3)
        expected = Mux(past(m, had, 2), past(m, copy, 2), 0)
        for half in range(2):
            word = expected[32 * half : 32 * half + 32]
            m.d.comb += Assert(implies(asked & (past(m, port.address, 2) == address + half), port.word == word))
        m.d.comb += Cover(asked & (past(m, port.address, 2) == address) & (port.word == 3))
        self._inside(m, inside, (watched, address), (count, taken, before, copy, had))
        return m

    def _inside(self, m: Module, inside: Inside, place: tuple[Signal, ...], values: tuple[Signal, ...]) -> None:
        """What is inside, which makes it inductive: where in the memory and on its way each value is, at each time."""
        (watched, address), (count, taken, before, copy, had) = place, values
        timer, source, goal, zero, fresh = (inside[name] for name in ("timer", "source", "goal", "zero", "fresh"))
        total, known = inside["total"], inside["known"]
        small, round_of = (
            Value.cast(inside[name]).word_select(watched, ROW_BITS) for name in ("small", "taken")
        )
        since = (timer - 2 * watched)[:6].as_signed()  # cycles since its low word was addressed

        def memory(bank, half: int) -> Value:
            return inside.peek("memory.memory", Cat((address + half)[:ROW_BITS], bank))

        def in_memory(bank, value) -> Value:
            return (memory(bank, 0) == value[:32]) & (memory(bank, 1) == value[32:])

        fetching, fetched = Value.cast(inside.read_register("memory.memory")), inside["memory.fetched"]
        m.d.comb += [
            Assert((timer <= _LAST) & (small <= timer + 1)),
            Assert(count == (Mux(fresh, 0, taken) + small)[:64]),
            Assert(taken == (Mux(zero, 0, before) + round_of)[:64]),
            *self._pipeline(inside, timer),
            # Until it is written over, the memory holds what it held.
            Assert(implies(~zero & (since <= 3), memory(source, 0) == before[:32])),
            Assert(implies(~zero & (since <= 4), memory(source, 1) == before[32:])),
            Assert(implies(~zero & (since == 1), fetching == before[:32])),
            Assert(implies(~zero & (since == 2), (fetched == before[:32]) & (fetching == before[32:]))),
            Assert(implies(~zero & (since == 3), fetched == before[32:])),
            Assert(implies(since == 3, total == Mux(zero, 0, before[:32]) + round_of)),
            Assert(implies(since == 4, total[:32] == taken[32:])),
            Assert(implies(since >= 4, memory(goal, 0) == taken[:32])),
            Assert(implies(since >= 5, memory(goal, 1) == taken[32:])),
            # The copy.
            Assert(implies(goal, had & (copy == taken))),
            Assert(implies(source, had)),
            Assert(implies(had & ~goal, in_memory(Const(1, 1), copy))),
            Assert(implies(known, had) & implies(had, known | goal & (timer <= 3))),
        ]

    @staticmethod
    def _pipeline(inside: Inside, timer: Signal) -> list[Assert]:
        """Addresses follow the timer."""
        claims = []
        for age, (row, flag) in enumerate((("row1", "walks1"), ("row2", "walks2"), ("written", "writes")), start=1):
            before = (timer - age)[:ROW_BITS]
            follows = (inside[row] == before ^ _FIRST) & (inside[flag] == (before < _WORDS))
            claims.append(Assert(Mux(timer < age, ~inside[flag], follows)))
        return claims
