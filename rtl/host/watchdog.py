"""The time an inference may take: cycles since the start, against a limit."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS

__all__ = ["Watchdog"]


class Watchdog(wiring.Component):
    """``cycles(t + 1) = (0 if clear else cycles) + running``, modulo ``2**32``.

    Members
    -------
    running : In(1)
    clear : In(1)
    limit : In(32)
        Cycles from which on it has taken too long; 0 is never.
    cycles : Out(32)
    overflow : Out(1)
        All bits of ``cycles`` are 1, and another one is counted.
    expired : Out(1)
        ``cycles`` were ``limit`` the cycle before, and it was running; one cycle.
    """

    running: In(1)
    clear: In(1)
    limit: In(AXI_BITS)
    cycles: Out(AXI_BITS)
    overflow: Out(1)
    expired: Out(1)

    def elaborate(self, platform):
        m = Module()

        armed, following = Signal(), Signal(AXI_BITS + 1)
        m.d.comb += [following.eq(self.cycles + self.running), self.overflow.eq(following[-1] & ~self.clear)]
        m.d.sync += armed.eq(self.limit.any())
        m.d.sync += self.expired.eq(armed & self.running & (self.cycles == self.limit))
        with m.If(self.clear):
            m.d.sync += self.cycles.eq(self.running)
        with m.Else():
            m.d.sync += self.cycles.eq(following)
        return m
