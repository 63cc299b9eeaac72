"""The cycles of an inference, without their causes."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS
from rtl.host.counters import CounterPort
from rtl.host.watchdog import Watchdog

__all__ = ["TotalCounter"]


class TotalCounter(wiring.Component):
    """The first counter of :class:`rtl.host.counters.Counters` alone; nothing waits for it.

    Members
    -------
    running, clear, limit, expired, port
        As there.
    """

    running: In(1)
    clear: In(1)
    limit: In(AXI_BITS)
    expired: Out(1)
    port: In(CounterPort())

    def __init__(self):
        super().__init__()
        self.watchdog = Watchdog()

    def elaborate(self, platform):
        m = Module()

        m.submodules.watchdog = watchdog = self.watchdog
        high, copy, word = Signal(AXI_BITS), Signal(2 * AXI_BITS), Signal(AXI_BITS)
        m.d.comb += [
            watchdog.running.eq(self.running), watchdog.clear.eq(self.clear), watchdog.limit.eq(self.limit),
            self.expired.eq(watchdog.expired), self.port.word.eq(word), self.port.free.eq(1), self.port.ready.eq(1),
        ]
        with m.If(self.clear):
            m.d.sync += high.eq(0)
        with m.Else():
            m.d.sync += high.eq(high + watchdog.overflow)
        with m.If(self.port.snapshot):
            m.d.sync += copy.eq(Cat(watchdog.cycles, high))
        m.d.comb += word.eq(Mux(self.port.address[0], copy[AXI_BITS:], copy[:AXI_BITS]))
        return m
