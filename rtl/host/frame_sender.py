"""The way out: words of results become frames on an AXI4-Stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import FrameWord
from rtl.host.axi import AxiStream

__all__ = ["FrameSender"]


class FrameSender(wiring.Component):
    """Sends words unchanged and in order, behind flip-flops in both directions.

    Latency 1 cycle, throughput 1 word/cycle. One word is on the output, and one more is held while the host takes
    none, so neither ``o`` nor ``words.ready`` depends on anything but registers. A word once offered stays until it
    is taken: an engine that is aborted just stops sending.

    Members
    -------
    words : In(stream.Signature(FrameWord))
        Words to send.
    o : Out(AxiStream())
        The same words; ``tlast`` is ``last``.
    """

    words: In(stream.Signature(FrameWord))
    o: Out(AxiStream())

    def elaborate(self, platform):
        m = Module()

        offered = Signal(FrameWord)
        held = Signal(FrameWord)
        holding = Signal()
        m.d.comb += [
            self.words.ready.eq(~holding),
            self.o.tdata.eq(offered.data),
            self.o.tlast.eq(offered.last),
        ]
        with m.If(~self.o.tvalid | self.o.tready):
            m.d.sync += self.o.tvalid.eq(self.words.valid | holding)
            m.d.sync += holding.eq(0)
            with m.If(holding):
                m.d.sync += offered.eq(held)
            with m.Elif(self.words.valid):
                m.d.sync += offered.eq(self.words.payload)
        with m.Elif(self.words.valid & self.words.ready):
            m.d.sync += holding.eq(1)
            m.d.sync += held.eq(self.words.payload)

        return m
