"""Where the cycles of an inference went."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from spec.registers import COUNTERS

__all__ = ["COUNTER_VALUES", "Cause", "Counters"]

#: One value per entry of ``COUNTERS``, in that order.
COUNTER_VALUES = data.ArrayLayout(unsigned(64), len(COUNTERS))


class Cause(enum.Enum, shape=3):
    """What a running cycle was spent on: the entries of ``COUNTERS`` after the total, in order."""

    ARRAY = 0  #: A pixel word is in the PE array.
    WEIGHT_LOAD = 1  #: The array waits for weights that are arriving.
    MASK_WAIT = 2  #: The array waits for weights and the supermask memory delivered none.
    DRAIN = 3  #: Sums leave the array, or a short run is kept apart from its predecessor.
    REQUANTIZE = 4  #: The array is empty, and results pass the requantizers on their way to memory.
    POOL = 5  #: The max pool works.
    HOST = 6  #: An output frame is read out, or waits for the host.
    SEQUENCER = 7  #: Anything else.


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
    """

    running: In(1)
    cause: In(Cause)
    clear: In(1)
    snapshot: In(1)
    values: Out(COUNTER_VALUES)

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

        return m
