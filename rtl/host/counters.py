"""Where the cycles of an inference went."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS, COUNTER_VALUES, Cause
from spec.registers import COUNTERS

__all__ = ["Counters"]

class Counters(wiring.Component):
    """Counts every running cycle once in the total and once under its cause: the total is their sum, always.

    ``values`` change two cycles after ``snapshot`` and then hold, so that a host reads numbers that belong together: a
    read that begins when the write of the snapshot was answered comes late enough.

    Members
    -------
    running : In(1)
        This cycle is part of an inference.
    cause : In(Cause)
        What it is spent on.
    clear : In(1)
        Start over: this cycle, if it is running, is the first one counted.
    snapshot : In(1)
        Copy all counts, without this cycle, to ``values``.
    values : Out(COUNTER_VALUES)
        Counts at the last snapshot; 0 after reset.
    limit : In(32)
        Total from which on an inference has taken too long; 0 is never.
    expired : Out(1)
        The total reached the limit, two cycles ago; one cycle.
    """

    running: In(1)
    cause: In(Cause)
    clear: In(1)
    snapshot: In(1)
    values: Out(COUNTER_VALUES)
    limit: In(AXI_BITS)
    expired: Out(1)

    def elaborate(self, platform):
        m = Module()

        counts = Signal(COUNTER_VALUES)
        # All inputs a cycle later: what decides on the cause is far from simple.
        counted, clear, snapshot = Signal(len(COUNTERS)), Signal(), Signal()
        m.d.sync += [clear.eq(self.clear), snapshot.eq(self.snapshot), counted[0].eq(self.running)]
        for index, cause in enumerate(Cause, start=1):
            m.d.sync += counted[index].eq(self.running & (self.cause == cause))
        for index in range(len(COUNTERS)):
            with m.If(clear):
                m.d.sync += counts[index].eq(counted[index])
            with m.Else():
                m.d.sync += counts[index].eq(counts[index] + counted[index])
        with m.If(snapshot):
            m.d.sync += self.values.eq(counts)
        armed = Signal()
        m.d.sync += [
            armed.eq(self.limit.any()),
            self.expired.eq(armed & self.running & (counts[0][:AXI_BITS] == self.limit)),
        ]

        return m
